import { expect, test } from 'vitest';
import { articles } from '../../functions/domains/articles.ts';
import { pointAccounts } from '../../functions/domains/point-accounts.ts';

test('a transition that says no "to" stays in the states that it begins in', () => {
  expect(pointAccounts.transitions['earn']?.to).toEqual(['active']);
  expect(articles.transitions['keep-summary']?.to).toEqual(['published', 'archived']);
});

test('one message is a list of one', () => {
  expect(articles.transitions['publish']?.messages).toMatchObject([{ type: 'article.published' }]);
});
