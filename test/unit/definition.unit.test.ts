import { expect, test } from 'vitest';
import { asRead } from '../../functions/core/as-read.ts';
import { named, transfer } from '../../functions/core/postings.ts';
import { articles } from '../../functions/domains/articles.ts';
import { pointAccounts } from '../../functions/domains/point-accounts.ts';

test('a transition that says no "to" stays in the states that it begins in', () => {
  expect(pointAccounts.transitions['earn']?.to).toEqual(['active']);
  expect(articles.transitions['keep-summary']?.to).toEqual(['published', 'archived']);
});

test('one message is a list of one', () => {
  expect(articles.transitions['publish']?.messages).toMatchObject([{ type: 'article.published' }]);
});

test('a list of transfers is one list of movements', () => {
  const [here, there] = [named('here', 'x', 'coin'), named('there', 'x', 'coin')];
  const read = asRead({
    ...{ collection: 'tills', type: 'till', idPrefix: 'til', summary: '', states: ['open'], attributes: {} },
    create: {
      summary: '',
      input: {},
      transfers: () => [transfer(here, there, 2), [], transfer(there, here, 1)],
    },
    transitions: {},
  });
  expect(read.create.transfers?.({}).map(({ amount }) => amount)).toEqual([-2, 2, -1, 1]);
});
