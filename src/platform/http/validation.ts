import { ValidationError, ValidationPipe } from '@nestjs/common';
import { BillingError, FieldError } from '../../contracts/errors';

/**
 * class-validator as every route uses it: unknown fields refused, nothing coerced, violations answered as
 * JSON pointers with stable codes and never with the value (security S-37, S-38).
 */
export function bodyValidation(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    transformOptions: { enableImplicitConversion: false, exposeDefaultValues: true },
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) => new BillingError('validation_failed', { errors: fieldErrors(errors, '') }),
  });
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
