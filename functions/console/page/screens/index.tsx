/** The screens, by the first part of their place. */
import type { ComponentChildren } from 'preact';
import type { Place } from '../place.ts';
import type { Texts } from '../texts/en.ts';
import { AuditScreen } from './audit.tsx';
import { BalanceScreen } from './balance.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { EntitiesScreen } from './entities.tsx';
import { EntityScreen } from './entity.tsx';
import { Health } from './health.tsx';
import { MessageScreen } from './message.tsx';
import { OperationsScreen } from './operations.tsx';
import { RedriveScreen } from './redrive.tsx';
import { RedrivesScreen } from './redrives.tsx';
import { RequestsScreen } from './requests.tsx';

export interface Screen {
  /** First part of the place. */
  readonly name: string;
  /** Its text in the menu; absent where only links lead to it. */
  readonly menu?: keyof Texts['screens'];
  readonly show: (place: Place) => ComponentChildren;
}

export const screens: readonly Screen[] = [
  { name: '', menu: 'health', show: () => <Health /> },
  { name: 'letters', menu: 'letters', show: () => <DeadLetters /> },
  {
    name: 'redrives',
    menu: 'redrives',
    show: ({ path: [, id] }) => (id === undefined ? <RedrivesScreen /> : <RedriveScreen key={id} id={id} />),
  },
  {
    name: 'entities',
    menu: 'entities',
    show: ({ path: [, collection, id] }) =>
      collection !== undefined && id !== undefined ? (
        <EntityScreen key={id} collection={collection} id={id} />
      ) : (
        <EntitiesScreen />
      ),
  },
  { name: 'requests', menu: 'requests', show: () => <RequestsScreen /> },
  { name: 'balances', menu: 'balances', show: () => <BalanceScreen /> },
  { name: 'audit', menu: 'audit', show: () => <AuditScreen /> },
  { name: 'operations', menu: 'operations', show: () => <OperationsScreen /> },
  { name: 'messages', show: ({ path: [, id = ''] }) => <MessageScreen key={id} id={id} /> },
];

export function titleOf({ path }: Place, texts: Texts): string {
  const [name = '', ...rest] = path;
  const menu = screens.find((screen) => screen.name === name)?.menu;
  return rest.at(-1) ?? (menu === undefined ? texts.message.heading : texts.screens[menu]);
}
