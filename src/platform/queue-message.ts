import { parseStrictJson } from './http/strict-json';

/** A message that will never be understood, however often it is delivered. */
export class UnreadableMessage extends Error {
  constructor(readonly reason: string) {
    super(reason);
    this.name = 'UnreadableMessage';
  }
}

/** A message that may be understood soon: it is delivered again after so many seconds. */
export class MessageTooEarly extends Error {
  constructor(
    reason: string,
    readonly seconds: number,
  ) {
    super(reason);
    this.name = 'MessageTooEarly';
  }
}

/**
 * The object that a message of a queue is, taken out of an SNS notification if it came in one.
 * @throws UnreadableMessage
 */
export function readQueueMessage(body: string): Record<string, unknown> {
  const message = json(body);
  // SNS delivers to SQS as a notification around the text, unless raw delivery is on.
  return message.Type === 'Notification' && typeof message.Message === 'string'
    ? json(message.Message)
    : message;
}

/** Whether a member of a message is an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function json(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseStrictJson(Buffer.from(text));
  } catch {
    throw new UnreadableMessage('it is not JSON as we accept it');
  }
  if (!isObject(value)) throw new UnreadableMessage('it is not an object');
  return value;
}
