import { Button, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { ApiProblem } from '../api/api';
import { COUPON_WORDS } from '../api/problem-words';
import classes from './coupon-field.module.css';

interface Props {
  code: string;
  /** Why the service refused the code, at the last attempt to buy. */
  problem: ApiProblem | undefined;
  onChange: (code: string) => void;
}

/**
 * "Have a code?": folded away until wanted, and then it stays: folding it again when it loses focus would move the
 * cards from under the pointer, and the click on a plan would miss. The service checks the code when the
 * checkout is opened.
 */
export function CouponField({ code, problem, onChange }: Props) {
  const [opened, setOpened] = useState(false);
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (problem) field.current?.focus();
  }, [problem]);

  if (!opened) {
    return (
      <Button variant="subtle" size="compact-md" onClick={() => setOpened(true)}>
        Have a code?
      </Button>
    );
  }
  return (
    <TextInput
      ref={field}
      className={classes.field}
      label="Discount code"
      description="It is taken off at checkout."
      autoComplete="off"
      autoCapitalize="characters"
      spellCheck={false}
      maxLength={100}
      autoFocus
      value={code}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={problem && couponWords(problem)}
    />
  );
}

/** The service's own sentence knows the reason (unknown, expired, used up, not for this plan). */
function couponWords(problem: ApiProblem): string {
  if (problem.code === 'coupon_invalid' && problem.detail) return problem.detail;
  const { title, advice } = COUPON_WORDS;
  return `${title}. ${advice}`;
}
