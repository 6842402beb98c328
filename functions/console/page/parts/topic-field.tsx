/** Chooses a topic, or none. */
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';
import { Field } from './field.tsx';

export function TopicField({ chosen }: { readonly chosen: string | undefined }) {
  const { message, list } = useTexts();
  const { document } = useSession();
  return (
    <Field label={message.topic}>
      {(attributes) => (
        <select {...attributes} name="topic">
          <option value="">{list.any}</option>
          {document.choices('/v1/messages', 'topic').map((choice) => (
            <option key={choice} selected={choice === chosen}>
              {choice}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
