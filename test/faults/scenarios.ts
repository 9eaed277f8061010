import { freeze } from './freeze';
import { net } from './net';
import { r01 } from './r-01';
import { r02 } from './r-02';
import { r03 } from './r-03';
import { r04 } from './r-04';
import { r05 } from './r-05';
import { r06 } from './r-06';
import { r07 } from './r-07';
import { r08 } from './r-08';
import { r10 } from './r-10';
import { r11 } from './r-11';
import { r12 } from './r-12';
import { r15 } from './r-15';
import { r28 } from './r-28';
import { r35 } from './r-35';
import { races } from './races';
import type { Scenario } from './scenario';

/** All scenarios, in the order in which they are run. */
export const SCENARIOS: readonly Scenario[] = [
  r01,
  r02,
  r03,
  r04,
  r05,
  r06,
  r07,
  r08,
  r10,
  r11,
  r12,
  r15,
  races,
  net,
  freeze,
  r28,
  r35,
];
