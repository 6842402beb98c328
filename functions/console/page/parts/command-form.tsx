/** A command as a form made from its schema. Its key and the version it is meant for are handled here. */
import { useState } from 'preact/hooks';
import type { TargetedEvent } from 'preact';
import { mayBeRepeated, newKey } from '../api.ts';
import type { Answer } from '../api.ts';
import type { Command, Schema } from '../document.ts';
import type { Entity } from '../model.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';
import { Field, valuesOf } from './field.tsx';
import { Failure } from './notices.tsx';

interface CommandFormProps {
  readonly command: Command;
  /** From the root, without a slash before it. */
  readonly path: string;
  /** Absent for what creates. */
  readonly entity?: Entity;
  readonly onDone: (entity: Entity, replayed: boolean) => void;
  readonly onCancel: () => void;
}

export function CommandForm({ command, path, entity, onDone, onCancel }: CommandFormProps) {
  const { api } = useSession();
  const { command: texts } = useTexts();
  // A key names one command: it stays while nobody knows what became of it, and another body is another command.
  const [key, setKey] = useState(newKey);
  const [sentText, setSentText] = useState<string>();
  const [answer, setAnswer] = useState<Answer<Entity>>();
  const [isSending, setIsSending] = useState(false);

  const send = async (event: TargetedEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const values = valuesOf(event.currentTarget);
    const body = command.body && bodyOf(command.body, values);
    const text = JSON.stringify(body ?? null);
    const isAgain = answer !== undefined && mayBeRepeated(answer) && text === sentText;
    const idempotencyKey = isAgain || answer === undefined ? key : newKey();
    setKey(idempotencyKey);
    setSentText(text);
    setIsSending(true);
    const isBound = entity && values['only-this-version'] !== undefined;
    const answered = await api.post<Entity>(path, {
      idempotencyKey,
      ...(body && { body }),
      ...(isBound && { ifMatch: `"${entity.version}"` }),
    });
    setIsSending(false);
    setAnswer(answered);
    if (answered.kind === 'ok') onDone(answered.value, answered.replayed);
  };
  const errors = answer?.kind === 'refused' ? (answer.problem.errors ?? []) : [];
  const { properties = {}, required = [] } = command.body ?? {};
  const isAgain = answer !== undefined && mayBeRepeated(answer);
  return (
    <form class="form" onSubmit={send} aria-label={command.summary}>
      <p>{command.summary}</p>
      {Object.entries(properties).map(([name, schema]) => (
        <SchemaField
          key={name}
          name={name}
          schema={schema}
          isRequired={required.includes(name)}
          wrong={errors.find((error) => error.path.startsWith(`/${name}`))?.message}
        />
      ))}
      {entity && (
        <label class="check">
          <input type="checkbox" name="only-this-version" value="yes" defaultChecked />
          {texts.onlyVersion(entity.version)}
        </label>
      )}
      <p class="small quiet">
        {texts.key}: <span class="id">{key}</span>
      </p>
      {answer && answer.kind !== 'ok' && <Failure answer={answer} />}
      <div class="row">
        <button class="primary" type="submit" disabled={isSending}>
          {isSending ? texts.sending : isAgain ? texts.again : texts.send}
        </button>
        <button type="button" onClick={onCancel}>
          {texts.cancel}
        </button>
      </div>
    </form>
  );
}

/** A list of at most so many choices is shown whole; a longer one is offered while somebody types. */
const choicesShown = 20;
/** A text that may be longer has room for lines. */
const lineLength = 1_000;

interface SchemaFieldProps {
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
  readonly wrong: string | undefined;
}

function SchemaField({ name, schema: given, isRequired, wrong }: SchemaFieldProps) {
  const { document } = useSession();
  const { command: texts } = useTexts();
  const schema = document.resolve(given);
  const { type, enum: choices = [], maxLength, minimum, maximum, examples = [], description } = schema;
  const [example] = examples;
  const isList = type === 'array';
  const hint = [description, isList ? texts.onePerLine : undefined]
    .filter((part) => part !== undefined)
    .join(' ');
  const common = {
    name,
    required: isRequired,
    placeholder: shown(example),
    defaultValue: shown(schema.default),
  };
  return (
    <Field
      label={isRequired ? name : `${name} (${texts.optional})`}
      hint={hint === '' ? undefined : hint}
      wrong={wrong}
    >
      {(attributes) => {
        if (choices.length > 0 && choices.length <= choicesShown)
          return (
            <select {...attributes} name={name} required={isRequired}>
              {!isRequired && <option value="" />}
              {choices.map((choice) => (
                <option key={choice}>{choice}</option>
              ))}
            </select>
          );
        if (choices.length > 0)
          return (
            <>
              <input {...attributes} {...common} list={`${attributes.id}-choices`} />
              <datalist id={`${attributes.id}-choices`}>
                {choices.map((choice) => (
                  <option key={choice} value={choice} />
                ))}
              </datalist>
            </>
          );
        if (type === 'boolean') return <input {...attributes} type="checkbox" name={name} value="true" />;
        if (type === 'integer' || type === 'number')
          return <input {...attributes} {...common} type="number" min={minimum} max={maximum} step={1} />;
        if (type === 'string' && (maxLength ?? 0) <= lineLength)
          return <input {...attributes} {...common} maxLength={maxLength} />;
        return <textarea {...attributes} {...common} />;
      }}
    </Field>
  );
}

/** As somebody would type it. */
const shown = (value: unknown): string => {
  if (value === undefined) return '';
  if (Array.isArray(value)) return (value as readonly unknown[]).map(shown).join('\n');
  return typeof value === 'string' ? value : JSON.stringify(value);
};

/** What was typed, as the schema has it. What cannot be read is sent as it stands: the API says what is wrong. */
function bodyOf(
  { properties = {}, required = [] }: Schema,
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const members = Object.entries(properties).map(([name, schema]): [string, unknown] => [
    name,
    memberOf(schema, values[name] ?? ''),
  ]);
  return Object.fromEntries(
    members.filter(([name, value]) => value !== undefined || required.includes(name)),
  );
}

function memberOf({ type }: Schema, text: string): unknown {
  if (type === 'boolean') return text === 'true';
  if (text === '') return undefined;
  if (type === 'integer' || type === 'number') return Number(text);
  if (type === 'array')
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  if (type === 'object' || type === undefined) return parsed(text);
  return text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
