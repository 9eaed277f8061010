/** One rule that holds in every database, at any moment: a question that finds what breaks it. */
export interface Check {
  /** The invariant of reliability A, such as I1. */
  id: string;
  /** What holds. */
  holds: string;
  /**
   * Finds what breaks the rule. `[column]` stands for "of the tenants that are looked at", `{grace}` for
   * the factor by which limits may be passed. Written against the tables
   * alone: what the service's own SQL gets wrong, this must not get wrong in the same way.
   */
  sql: string;
}

/** A rule that is broken, and where. */
export interface Violation {
  id: string;
  holds: string;
  /** The first places, as they were found. */
  where: Record<string, unknown>[];
  count: number;
}
