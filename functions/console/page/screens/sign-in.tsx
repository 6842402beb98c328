/** Signs in with a token: made by the local stack with one click, or pasted. */
import type { ComponentChildren, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';
import { urlOf } from '../api.ts';
import { Field, valuesOf } from '../parts/field.tsx';
import { Bad } from '../parts/notices.tsx';
import { readClaims } from '../session.ts';
import { useTexts } from '../texts/index.ts';

interface SignInProps {
  readonly reason: string | undefined;
  readonly onToken: (token: string, reason?: string) => void;
  readonly languageChoice: ComponentChildren;
}

/** Only a stack on the viewer's own machine makes tokens; its gateway has a route for it, a deployment has none. */
const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(location.hostname);

export function SignIn({ reason, onToken, languageChoice }: SignInProps) {
  const { signIn, title } = useTexts();
  const [wrong, setWrong] = useState<string>();
  const paste = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const token = (valuesOf(event.currentTarget)['token'] ?? '').trim().replace(/^bearer\s+/i, '');
    if (readClaims(token)) onToken(token);
    else setWrong(signIn.invalid);
  };
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
      {reason !== undefined && <Bad>{reason}</Bad>}
      {isLocal && <LocalSignIn onToken={onToken} />}
      <section class="card">
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
            <button type="submit" class={isLocal ? '' : 'primary'}>
              {signIn.paste}
            </button>
          </div>
        </form>
      </section>
    </main>
  );
}

function LocalSignIn({ onToken }: Pick<SignInProps, 'onToken'>) {
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
          <button class="primary" type="submit">
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
