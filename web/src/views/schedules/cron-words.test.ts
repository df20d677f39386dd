import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cronToWords } from './cron-words.ts';

describe('a cron expression in words', () => {
  const cases = {
    '* * * * *': 'every minute',
    '*/15 * * * *': 'every 15 minutes',
    '@hourly': 'every hour',
    '5,35 * * * *': 'every hour at minute 5 and 35',
    '0 */6 * * *': 'every 6 hours',
    '@daily': 'every day at 00:00',
    '0 2 * * *': 'every day at 02:00',
    '0 8,12,18 * * *': 'every day at 08:00, 12:00 and 18:00',
    '30 2 * * 1-5': 'Monday to Friday at 02:30',
    '0 3 * * SUN': 'on Sunday at 03:00',
    '0 3 * * 6,7': 'on Saturday and Sunday at 03:00',
    '@monthly': 'on the 1st of the month at 00:00',
    '0 0 13 * FRI': 'on the 13th of the month, and on Friday at 00:00',
    '0 0 1,22 JAN-MAR *': 'on the 1st and 22nd of the month in January to March at 00:00',
    '*/10 8-17 * * *': 'every day every 10 minutes in the hours 8 to 17',
    '@every 1h30m': 'every 1h 30m',
    'CRON_TZ=Europe/Berlin 0 2 * * *': 'every day at 02:00, Europe/Berlin time',
  };
  for (const [text, words] of Object.entries(cases)) {
    it(`${text} is ${words}`, () => assert.equal(cronToWords(text), words));
  }

  it('stays as it is where there are no words for it', () => {
    for (const text of ['a/b * * * *', 'whenever', '1-30/7 * * * *', '']) {
      assert.equal(cronToWords(text), text);
    }
  });
});
