/** What a test card does when it is charged. */
export type CardBehaviour =
  | { outcome: 'succeeds' }
  | {
      outcome: 'declines';
      code: string;
      decline_code: string | null;
      message: string;
      /** Most refused cards can not even be saved; `charge` cards are saved and fail later. */
      at: 'any' | 'charge';
    }
  | { outcome: 'authenticates'; then: 'succeeds' | 'declines' };

export interface TestCard {
  token: string;
  number: string;
  brand: string;
  funding: 'credit' | 'debit' | 'prepaid';
  country: string;
  behaviour: CardBehaviour;
}

const DECLINE_MESSAGES: Record<string, { code: string; message: string }> = {
  generic_decline: { code: 'card_declined', message: 'Your card was declined.' },
  insufficient_funds: { code: 'card_declined', message: 'Your card has insufficient funds.' },
  lost_card: { code: 'card_declined', message: 'Your card was declined.' },
  stolen_card: { code: 'card_declined', message: 'Your card was declined.' },
  expired_card: { code: 'expired_card', message: 'Your card has expired.' },
  incorrect_cvc: { code: 'incorrect_cvc', message: "Your card's security code is incorrect." },
  processing_error: {
    code: 'processing_error',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  },
  fraudulent: { code: 'card_declined', message: 'Your card was declined.' },
};

/** The refusal a decline code stands for; codes of later days become a plain decline with that code. */
export function decline(
  declineCode: string,
  at: 'any' | 'charge' = 'any',
): Extract<CardBehaviour, { outcome: 'declines' }> {
  const known = DECLINE_MESSAGES[declineCode] ?? {
    code: 'card_declined',
    message: 'Your card was declined.',
  };
  return {
    outcome: 'declines',
    ...known,
    decline_code: known.code === 'card_declined' ? declineCode : known.code,
    at,
  };
}

const SUCCEEDS: CardBehaviour = { outcome: 'succeeds' };

function card(token: string, number: string, brand: string, behaviour: CardBehaviour = SUCCEEDS): TestCard {
  return {
    token,
    number,
    brand,
    funding: token.includes('debit') ? 'debit' : 'credit',
    country: 'US',
    behaviour,
  };
}

/** Stripe's documented test cards, https://docs.stripe.com/testing. */
export const TEST_CARDS: readonly TestCard[] = [
  card('visa', '4242424242424242', 'visa'),
  card('visa_debit', '4000056655665556', 'visa'),
  card('mastercard', '5555555555554444', 'mastercard'),
  card('mastercard_debit', '5200828282828210', 'mastercard'),
  card('amex', '378282246310005', 'amex'),
  card('discover', '6011111111111117', 'discover'),
  card('diners', '3056930009020004', 'diners'),
  card('jcb', '3566002020360505', 'jcb'),
  card('unionpay', '6200000000000005', 'unionpay'),
  card('chargeDeclined', '4000000000000002', 'visa', decline('generic_decline')),
  card('visa_chargeDeclined', '4000000000000002', 'visa', decline('generic_decline')),
  card('chargeDeclinedInsufficientFunds', '4000000000009995', 'visa', decline('insufficient_funds')),
  card('visa_chargeDeclinedInsufficientFunds', '4000000000009995', 'visa', decline('insufficient_funds')),
  card('visa_chargeDeclinedLostCard', '4000000000009987', 'visa', decline('lost_card')),
  card('visa_chargeDeclinedStolenCard', '4000000000009979', 'visa', decline('stolen_card')),
  card('chargeCustomerFail', '4000000000000341', 'visa', decline('generic_decline', 'charge')),
  card('chargeDeclinedExpiredCard', '4000000000000069', 'visa', decline('expired_card')),
  card('chargeDeclinedIncorrectCvc', '4000000000000127', 'visa', decline('incorrect_cvc')),
  card('chargeDeclinedProcessingError', '4000000000000119', 'visa', decline('processing_error')),
  card('threeDSecure2Required', '4000000000003220', 'visa', { outcome: 'authenticates', then: 'succeeds' }),
  card('authenticationRequired', '4000002760003184', 'visa', { outcome: 'authenticates', then: 'succeeds' }),
  card('threeDSecureRequired', '4000000000003063', 'visa', { outcome: 'authenticates', then: 'succeeds' }),
  card('threeDSecureRequiredChargeDeclined', '4000008400001629', 'visa', {
    outcome: 'authenticates',
    then: 'declines',
  }),
];

/** The card behind `pm_card_…` or `tok_…`, or undefined. */
export function cardOfToken(token: string): TestCard | undefined {
  const name = token.replace(/^(pm_card_|tok_)/, '');
  return TEST_CARDS.find((entry) => entry.token === name);
}

/** The documented card with this number; any other valid number behaves as a Visa that succeeds. */
export function cardOfNumber(number: string): TestCard {
  const known = TEST_CARDS.find((entry) => entry.number === number);
  return known ?? { ...card('other', number, brandOf(number)) };
}

function brandOf(number: string): string {
  if (/^3[47]/.test(number)) return 'amex';
  if (/^5[1-5]|^2[2-7]/.test(number)) return 'mastercard';
  return /^4/.test(number) ? 'visa' : 'unknown';
}

/** The Luhn check every card number passes. */
export function isCardNumber(number: string): boolean {
  if (!/^\d{12,19}$/.test(number)) return false;
  let sum = 0;
  [...number].reverse().forEach((digit, index) => {
    const doubled = Number(digit) * (index % 2 === 0 ? 1 : 2);
    sum += doubled > 9 ? doubled - 9 : doubled;
  });
  return sum % 10 === 0;
}
