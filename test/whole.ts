/**
 * Whether tests that repeat themselves are to do so as often as they can, which takes far longer
 * than a quarter of an hour. What they do by default shows the same mistakes, if less surely.
 */
export const IS_WHOLE = process.env['DROVER_TEST_WHOLE'] === '1';
