/** Signs in with a token: the issuer's, made by the local stack with one click, or pasted. */
import type { ComponentChildren, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';
import type { SignInSettings } from '../../sign-in.ts';
import { urlOf } from '../api.ts';
import { beginSignIn } from '../issuer.ts';
import type { SignInFailure } from '../issuer.ts';
import { Field, valuesOf } from '../parts/field.tsx';
import { Bad } from '../parts/notices.tsx';
import { readClaims } from '../session.ts';
import { useTexts } from '../texts/index.ts';
import type { Texts } from '../texts/en.ts';

/** Why nobody is signed in, or not any more. */
export type SignInReason =
  | SignInFailure
  /** The token has expired. */
  | { readonly kind: 'over' }
  /** The API refused the token. */
  | { readonly kind: 'not_accepted' }
  /** The API's document did not come. */
  | { readonly kind: 'no_document' };

interface SignInProps {
  /** Absent where the deployment names no issuer for the console. */
  readonly settings: SignInSettings | undefined;
  readonly reason: SignInReason | undefined;
  readonly onToken: (token: string) => void;
  readonly languageChoice: ComponentChildren;
}

/** Only a stack on the viewer's own machine makes tokens; its gateway has a route for it, a deployment has none. */
const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(location.hostname);

export function SignIn({ settings, reason, onToken, languageChoice }: SignInProps) {
  const { signIn, title } = useTexts();
  return (
    <main class="welcome">
      <div class="row apart">
        <span class="brand">{title}</span>
        <div>{languageChoice}</div>
      </div>
      <div>
        <h1>{signIn.heading}</h1>
        <p class="quiet">{signIn.intro}</p>
      </div>
      {reason !== undefined && <Bad>{reasonText(signIn, reason)}</Bad>}
      {settings && <IssuerSignIn settings={settings} />}
      {isLocal && <LocalSignIn onToken={onToken} isFirst={!settings} />}
      {settings ? (
        <details class="card">
          <summary>{signIn.useToken}</summary>
          <PasteToken onToken={onToken} isFirst={false} />
        </details>
      ) : (
        <section class="card">
          <PasteToken onToken={onToken} isFirst={!isLocal} />
        </section>
      )}
    </main>
  );
}

/** In plain words why the viewer is not signed in, and what to do. */
function reasonText(texts: Texts['signIn'], reason: SignInReason): string {
  const { failures } = texts;
  switch (reason.kind) {
    case 'over':
      return texts.expired;
    case 'not_accepted':
      return texts.notAccepted;
    case 'no_document':
      return texts.noDocument;
    case 'refused':
      return failures.refused(reason.says);
    case 'elsewhere':
      return failures.elsewhere(reason.origin);
    case 'unreachable':
    case 'insecure':
    case 'denied':
    case 'foreign':
    case 'expired':
    case 'unreadable':
      return failures[reason.kind];
    default:
      return reason satisfies never;
  }
}

function IssuerSignIn({ settings }: { readonly settings: SignInSettings }) {
  const { signIn } = useTexts();
  const [failure, setFailure] = useState<SignInFailure>();
  const begin = async (): Promise<void> => {
    setFailure(undefined);
    setFailure(await beginSignIn(settings));
  };
  return (
    <section class="card">
      <div class="form">
        <p>{signIn.issuerIntro(new URL(settings.issuer).host)}</p>
        {failure && <Bad>{reasonText(signIn, failure)}</Bad>}
        <div>
          <button class="primary" type="button" onClick={begin}>
            {signIn.submit}
          </button>
        </div>
      </div>
    </section>
  );
}

interface TokenFormProps {
  readonly onToken: (token: string) => void;
  /** Whether it is the way that most take here. */
  readonly isFirst: boolean;
}

function PasteToken({ onToken, isFirst }: TokenFormProps) {
  const { signIn } = useTexts();
  const [wrong, setWrong] = useState<string>();
  const paste = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const token = (valuesOf(event.currentTarget)['token'] ?? '').trim().replace(/^bearer\s+/i, '');
    if (readClaims(token)) onToken(token);
    else setWrong(signIn.invalid);
  };
  return (
    <form class="form" onSubmit={paste}>
      <Field label={signIn.token} hint={signIn.tokenHint} wrong={wrong}>
        {(attributes) => (
          <textarea
            {...attributes}
            name="token"
            class="mono"
            required
            autocomplete="off"
            spellcheck={false}
          />
        )}
      </Field>
      <div>
        <button type="submit" class={isFirst ? 'primary' : ''}>
          {signIn.paste}
        </button>
      </div>
    </form>
  );
}

function LocalSignIn({ onToken, isFirst }: TokenFormProps) {
  const { signIn } = useTexts();
  const [hasFailed, setHasFailed] = useState(false);
  const submit = async (event: TargetedEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const token = await localToken(valuesOf(event.currentTarget));
    setHasFailed(token === undefined);
    if (token !== undefined) onToken(token);
  };
  return (
    <section class="card">
      <form class="form" onSubmit={submit}>
        <p>{signIn.localIntro}</p>
        <div class="filters">
          <Field label={signIn.tenant}>
            {(attributes) => <input {...attributes} name="tenant" defaultValue="acme" required />}
          </Field>
          <Field label={signIn.subject}>
            {(attributes) => <input {...attributes} name="subject" defaultValue="alice" required />}
          </Field>
        </div>
        <Field label={signIn.roles} hint={signIn.rolesHint}>
          {(attributes) => <input {...attributes} name="roles" defaultValue="refunds payouts issuer" />}
        </Field>
        {hasFailed && <Bad>{signIn.failed}</Bad>}
        <div>
          <button class={isFirst ? 'primary' : ''} type="submit">
            {signIn.local}
          </button>
        </div>
      </form>
    </section>
  );
}

async function localToken({
  tenant,
  subject,
  roles,
}: Readonly<Record<string, string>>): Promise<string | undefined> {
  try {
    const response = await fetch(urlOf('console/token'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tenant, subject, roles, scope: 'commands ops' }),
    });
    return response.ok ? ((await response.json()) as { readonly token: string }).token : undefined;
  } catch {
    return undefined;
  }
}
