/**
 * Counts tests for the closing line `N passed, N failed`.
 * Started by `npm test` it tells its parent, which prints the line when everything else is over;
 * started by hand it prints the line itself.
 */
class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      // A file that could not even be loaded holds tests that did not pass.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    if (process.send) process.send({ testCounts: counts });
    else process.stdout.write(`${closingLine(counts)}\n`);
  }
}

/** `12 passed, 0 failed`, and `, 1 skipped` only when a test was skipped. */
function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

module.exports = ClosingLineReporter;
module.exports.closingLine = closingLine;
