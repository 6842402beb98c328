/** Where a message or a redrive run stands, in a word and a colour. */
import type { Message, MessageStatus, RedriveRun } from '../model.ts';
import { useTexts } from '../texts/index.ts';

const looks: Readonly<Record<MessageStatus, string>> = {
  pending: '',
  sent: '',
  waiting: 'doubt',
  done: 'good',
  dead: 'bad',
};

export function MessageState({ message }: { readonly message: Message }) {
  const { message: texts, statuses } = useTexts();
  return (
    <span class="row">
      <span class={`badge ${looks[message.status]}`}>{statuses[message.status]}</span>
      {message.uncertain === true && (
        <span class="badge doubt" title={texts.uncertainHint}>
          {texts.uncertain}
        </span>
      )}
    </span>
  );
}

const runLooks: Readonly<Record<RedriveRun['state'], string>> = {
  running: 'here',
  done: 'good',
  stopped: 'bad',
};

export function RunState({ run: { state } }: { readonly run: RedriveRun }) {
  const { redrives } = useTexts();
  return <span class={`badge ${runLooks[state]}`}>{redrives.states[state]}</span>;
}
