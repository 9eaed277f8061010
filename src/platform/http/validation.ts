import { ArgumentMetadata, ValidationError, ValidationPipe } from '@nestjs/common';
import { BillingError, FieldError } from '../../contracts/errors';

/**
 * class-validator as every route uses it: unknown fields refused, nothing coerced, violations answered as
 * JSON pointers with stable codes and never with the value (security S-37, S-38).
 */
export function bodyValidation(): ValidationPipe {
  return new BodyValidationPipe({
    transform: true,
    transformOptions: { enableImplicitConversion: false, exposeDefaultValues: true },
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) => new BillingError('validation_failed', { errors: fieldErrors(errors, '') }),
  });
}

/**
 * class-validator looks through lists in lists: `[[]]` would pass as a list of items and reach the service
 * as an item without fields. No body of ours has such a list.
 */
class BodyValidationPipe extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const pointer = metadata.type === 'body' ? listInList(value, '') : null;
    if (pointer !== null)
      throw new BillingError('validation_failed', {
        errors: [{ pointer, code: 'not_object', message: 'A list must not stand directly in a list.' }],
      });
    return super.transform(value, metadata) as Promise<unknown>;
  }
}

function listInList(value: unknown, pointer: string): string | null {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return null;
  for (const [key, member] of Object.entries(value)) {
    const at = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (Array.isArray(value) && Array.isArray(member)) return at;
    const found = listInList(member, at);
    if (found !== null) return found;
  }
  return null;
}

function fieldErrors(errors: ValidationError[], parent: string): FieldError[] {
  return errors.flatMap((error) => {
    const pointer = `${parent}/${error.property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const own = Object.entries(error.constraints ?? {}).map(([constraint, message]) => ({
      pointer,
      code: codeOf(constraint),
      message: constraint === 'whitelistValidation' ? 'This field is not known here.' : message,
    }));
    return [...own, ...fieldErrors(error.children ?? [], pointer)];
  });
}

function codeOf(constraint: string): string {
  if (constraint === 'whitelistValidation') return 'unknown_field';
  return constraint
    .replace(/^(is|Is)/, 'not_')
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    .replace('__', '_');
}
