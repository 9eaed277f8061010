import { isMoment, isSubject } from '../recording/usage-event-input';
import { Checked } from '../recording/usage-events.dto';

/** An amount in an answer: an integer when that is safe, else a decimal text. */
export const AMOUNT = { oneOf: [{ type: 'integer' }, { type: 'string' }] };

export const NULLABLE_AMOUNT = { ...AMOUNT, nullable: true };

/** Who or what was counted: 1 to 255 characters, none of which controls anything. */
export const IsSubject = (): PropertyDecorator => Checked('subject', isSubject);

/** A date and time with a zone, ISO 8601. */
export const IsMoment = (): PropertyDecorator => Checked('timestamp', isMoment);
