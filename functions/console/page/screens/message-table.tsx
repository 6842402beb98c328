/** Messages in a table, each a link to its own screen. */
import type { Message } from '../model.ts';
import { MessageState } from '../parts/status.tsx';
import { Table } from '../parts/table.tsx';
import type { Column } from '../parts/table.tsx';
import { Ago } from '../parts/time.tsx';
import { placeUrl } from '../place.ts';
import { useTexts } from '../texts/index.ts';

interface MessageTableProps {
  readonly label: string;
  readonly messages: readonly Message[];
  /** Then it is not named in every row. */
  readonly ofOneEntity?: boolean;
}

export function MessageTable({ label, messages, ofOneEntity = false }: MessageTableProps) {
  const { message: texts } = useTexts();
  const columns: readonly Column<Message>[] = [
    {
      name: texts.type,
      cell: ({ id, type }) => <a href={placeUrl(['messages', id])}>{type}</a>,
    },
    { name: texts.topic, cell: ({ topic }) => topic },
    { name: texts.status, cell: (message) => <MessageState message={message} /> },
    {
      name: texts.code,
      cell: ({ lastError, refused }) => {
        const code = lastError?.code ?? refused?.code;
        return code !== undefined && <code>{code}</code>;
      },
    },
    ...(ofOneEntity
      ? []
      : [{ name: texts.entity, cell: ({ entity }: Message) => entity, kind: 'id' as const }]),
    { name: texts.created, cell: ({ createdAt }) => <Ago at={createdAt} />, kind: 'when' },
  ];
  return <Table label={label} columns={columns} rows={messages} keyOf={({ id }) => id} />;
}
