/** The conformance tests of a definition that takes another along: into several states, and only where it is one's own. */
import { defineDomain } from '../../functions/core/definition.ts';
import { reference, text } from '../../functions/core/fields.ts';
import { conformance } from '../support/conformance.ts';

const boxes = defineDomain({
  collection: 'boxes',
  type: 'box',
  idPrefix: 'box',
  summary: 'A box for one parcel.',
  states: ['free', 'occupied'],
  attributes: { name: text('B 12') },
  create: { summary: 'Set it up', input: { name: text('B 12') } },
  transitions: {
    fill: { summary: 'A parcel is put in', internal: true, from: ['free'], to: ['occupied'] },
    clear: { summary: 'It is taken out', internal: true, from: ['occupied'], to: ['free'] },
  },
});

/** Each is ada's, so that she can extend her parcels; a parcel is never extended from another's. */
const wallets = defineDomain({
  collection: 'wallets',
  type: 'wallet',
  idPrefix: 'wal',
  summary: 'What pays for more time.',
  states: ['open'],
  attributes: { owner: text('ada') },
  create: {
    summary: 'Open it',
    input: {},
    example: { actor: () => 'ada' },
    set: ({ actor }) => ({ owner: actor }),
  },
  transitions: { pay: { summary: 'A fee is paid', internal: true, from: ['open'] } },
});

/** Two transitions clear the box, and of a parcel that is due only the second can. */
const parcels = defineDomain({
  collection: 'parcels',
  type: 'parcel',
  idPrefix: 'pcl',
  summary: 'A parcel in a box.',
  states: ['stored', 'due', 'collected', 'returned'],
  attributes: { box: reference('boxes', 'box'), recipient: text('ada') },
  create: {
    summary: 'Put it in',
    input: { box: reference('boxes', 'box'), recipient: text('ada') },
    links: {
      box: {
        of: boxes,
        id: ({ input }) => input.box,
        transition: 'fill',
        refused: { code: 'box_not_free', otherwise: 'This box takes no parcel now.' },
      },
    },
  },
  transitions: {
    'pick-up': {
      summary: 'Take it out',
      from: ['stored'],
      to: ['collected'],
      links: { box: { of: boxes, id: ({ entity }) => entity.box, transition: 'clear' } },
    },
    extend: {
      summary: 'Pay for more time',
      authorize: { not_the_recipient: { actorIs: 'recipient', otherwise: 'Only the recipient may.' } },
      from: ['stored'],
      input: { wallet: reference('wallets', 'wal') },
      links: {
        wallet: {
          of: wallets,
          id: ({ input }) => input.wallet,
          transition: 'pay',
          rules: {
            not_your_wallet: { path: 'owner', is: ({ actor }) => actor, otherwise: 'It is another’s.' },
          },
        },
      },
    },
    'fall-due': { summary: 'Nobody came', from: ['stored'], to: ['due'] },
    'take-back': {
      summary: 'Send it back',
      from: ['due'],
      to: ['returned'],
      links: { box: { of: boxes, id: ({ entity }) => entity.box, transition: 'clear' } },
    },
  },
});

for (const domain of [boxes, wallets, parcels]) conformance(domain, [boxes, wallets, parcels]);
