import type Stripe from 'stripe';
import { only, orNull, updated, type Call } from '../call';
import { invalidRequest } from '../errors';
import { inRange, listPage } from '../pagination';
import { mergeMetadata } from './metadata';
import { makePrice } from './prices';
import { makeProduct } from './product-object';

export function createProduct({ account, params }: Call<Stripe.ProductCreateParams>): object {
  only(
    params,
    'active',
    'default_price_data',
    'description',
    'id',
    'images',
    'marketing_features',
    'metadata',
    'name',
    'package_dimensions',
    'shippable',
    'statement_descriptor',
    'tax_code',
    'unit_label',
    'url',
  );
  if (params.id && account.store.find('product', params.id)) {
    throw invalidRequest('Product already exists.', 'id', 'resource_already_exists');
  }
  const product = makeProduct(account, params);
  account.add('product', product, 'product.created');
  if (!params.default_price_data) return product;
  const price = makePrice(account, { ...params.default_price_data, product: product.id });
  account.add('price', price, 'price.created');
  return account.change('product', product, { default_price: price.id }, 'product.updated');
}

export function retrieveProduct({ account, id }: Call<Stripe.ProductRetrieveParams>): object {
  return account.get('product', id);
}

export function updateProduct({ account, params, id }: Call<Stripe.ProductUpdateParams>): object {
  only(
    params,
    'active',
    'default_price',
    'description',
    'images',
    'marketing_features',
    'metadata',
    'name',
    'package_dimensions',
    'shippable',
    'statement_descriptor',
    'tax_code',
    'unit_label',
    'url',
  );
  const product = account.get('product', id);
  if (params.default_price && account.get('price', params.default_price, 'default_price').product !== id) {
    throw invalidRequest('The default price must belong to the product.', 'default_price');
  }
  const changes: Partial<Stripe.Product> = {
    active: params.active ?? product.active,
    default_price: params.default_price ?? product.default_price,
    description: updated(params.description, product.description),
    images: params.images === undefined ? product.images : (orNull(params.images) ?? []),
    marketing_features:
      params.marketing_features === undefined
        ? product.marketing_features
        : (orNull(params.marketing_features) ?? []),
    metadata: mergeMetadata(product.metadata, params.metadata),
    name: params.name ?? product.name,
    package_dimensions: updated(params.package_dimensions, product.package_dimensions),
    shippable: params.shippable ?? product.shippable,
    statement_descriptor: params.statement_descriptor ?? product.statement_descriptor,
    tax_code: updated(params.tax_code, product.tax_code ?? null) as string | null,
    unit_label: updated(params.unit_label, product.unit_label ?? null),
    url: updated(params.url, product.url),
  };
  const touched = account.change('product', product, changes);
  if (touched === product) return product;
  return account.change('product', product, { ...changes, updated: account.now() }, 'product.updated');
}

/** A product goes only when no price refers to it. */
export function deleteProduct({ account, id }: Call<Stripe.ProductDeleteParams>): object {
  const product = account.get('product', id);
  if (account.newest('price', (price) => price.product === id).length > 0) {
    throw invalidRequest('This product cannot be deleted because it has one or more user-created prices.');
  }
  const deleted: Stripe.DeletedProduct = { id, object: 'product', deleted: true };
  account.store.put('product', deleted);
  account.emit('product.deleted', product);
  return deleted;
}

export function listProducts({ account, params }: Call<Stripe.ProductListParams>): object {
  only(params, 'active', 'created', 'ending_before', 'ids', 'limit', 'shippable', 'starting_after', 'url');
  const rows = account.newest(
    'product',
    (product) =>
      inRange(product.created, params.created) &&
      (params.active === undefined || product.active === params.active) &&
      (params.ids === undefined || params.ids.includes(product.id)) &&
      (params.shippable === undefined || product.shippable === params.shippable) &&
      (params.url === undefined || product.url === params.url),
  );
  return listPage(rows, params, '/v1/products');
}
