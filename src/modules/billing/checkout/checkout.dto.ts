import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';

/** One further line of a checkout: a plan of ours or a price of Stripe's. */
export class CheckoutItemDto {
  /** A price in Stripe; metered prices are recognised and take no quantity. */
  @IsOptional()
  @IsString()
  @Matches(/^price_[A-Za-z0-9_]{1,240}$/, { message: 'price_id must be the id of a price' })
  price_id?: string;

  /** A plan, for instance an add-on. */
  @IsOptional()
  @IsUUID()
  plan_id?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100_000)
  quantity?: number;
}

export class OpenCheckoutDto {
  /** The plan to buy. */
  @IsUUID()
  plan_id: string;

  /** Pieces of the plan, for instance seats. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100_000)
  quantity?: number;

  /** A promotion code, or the id of a coupon. */
  @IsOptional()
  @IsString()
  @Matches(/^[A-Za-z0-9_-]{1,100}$/, { message: 'coupon may hold letters, digits, - and _' })
  coupon?: string;

  /** Where to go after paying; its origin must be on the allow-list. */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  success_url?: string;

  /** Where to go back to without paying; its origin must be on the allow-list. */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  cancel_url?: string;

  /** The person in your product who buys; kept in the metadata. */
  @IsOptional()
  @IsString()
  @Matches(/^[\x21-\x7e]{1,200}$/, { message: 'user_id must be 1 to 200 visible ASCII characters' })
  user_id?: string;

  /** Further items on the same subscription: metered prices, add-ons. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(19)
  @ValidateNested({ each: true })
  @Type(() => CheckoutItemDto)
  items?: CheckoutItemDto[];
}

export class CheckoutView {
  /** Stripe's session id; null where nothing has to be paid here. */
  id: string | null;
  /** The hosted page to send the payer to. */
  url: string | null;
  /** ISO 8601; after it the page is closed. */
  expires_at: string | null;
  /** active: a free plan, in force already. invoiced: in force when Stripe says so; invoices are sent. */
  status: 'open' | 'complete' | 'expired' | 'active' | 'invoiced';
  plan_id: string;
}
