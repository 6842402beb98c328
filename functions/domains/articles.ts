import { answers } from '../core/answers.ts';
import { defineDomain } from '../core/definition.ts';
import { prose, remark, text, title } from '../core/fields.ts';

const article = {
  slug: text('hello-world'),
  title: title('Hello, world'),
  body: prose('It works.\nEvery time.'),
};

export const articles = defineDomain({
  collection: 'articles',
  type: 'article',
  idPrefix: 'art',
  summary: 'A text with an address of its own.',
  states: ['draft', 'published', 'archived'],
  attributes: { ...article, summary: remark('By a language model, once it has written it.') },
  unique: { article_slug: { while: ['draft', 'published', 'archived'], of: ['slug'] } },
  create: { summary: 'Write a draft', input: article },
  transitions: {
    publish: {
      summary: 'Show it to everybody',
      from: ['draft'],
      to: ['published'],
      messages: {
        topic: 'llm',
        type: 'article.published',
        done: 'keep-summary',
        payload: ({ entity }) => ({ title: entity.title, text: entity.body }),
      },
    },
    'keep-summary': {
      summary: 'The summary is written',
      internal: true,
      from: ['published', 'archived'],
      input: answers.summary.done,
      set: ({ input }) => ({ summary: input.text }),
    },
    archive: { summary: 'Put it away', from: ['published'], to: ['archived'] },
  },
});
