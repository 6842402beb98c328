/** The frame of the console: who is signed in, the screens, and the one that the URL names. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TargetedEvent } from 'preact';
import type { SignInSettings } from '../sign-in.ts';
import { createApi } from './api.ts';
import { collectionOfId, loadDocument } from './document.ts';
import type { ApiDocument } from './document.ts';
import { finishSignIn, loadSettings } from './issuer.ts';
import type { IssuerAnswer } from './issuer.ts';
import { valuesOf } from './parts/field.tsx';
import { entityOfMessage, go, placeUrl, usePlace } from './place.ts';
import { readClaims, SessionContext, storedToken, storeToken, useSession } from './session.ts';
import type { Session } from './session.ts';
import { screens, titleOf } from './screens/index.tsx';
import { SignIn } from './screens/sign-in.tsx';
import type { SignInReason } from './screens/sign-in.tsx';
import { LanguageContext, languages, preferLanguage, preferredLanguage, useTexts } from './texts/index.ts';
import type { Language } from './texts/index.ts';

export function Console({ issuerAnswer }: IssuerAnswerProps) {
  const [language, setLanguage] = useState(preferredLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const choose = (chosen: Language): void => {
    preferLanguage(chosen);
    setLanguage(chosen);
  };
  return (
    <LanguageContext.Provider value={language}>
      <SignedIn issuerAnswer={issuerAnswer} language={language} onLanguage={choose} />
    </LanguageContext.Provider>
  );
}

interface IssuerAnswerProps {
  readonly issuerAnswer: IssuerAnswer | undefined;
}

interface LanguageProps {
  readonly language: Language;
  readonly onLanguage: (language: Language) => void;
}

function SignedIn({ issuerAnswer, ...props }: LanguageProps & IssuerAnswerProps) {
  const { signIn } = useTexts();
  const [token, setToken] = useState(storedToken);
  const [reason, setReason] = useState<SignInReason>();
  const [apiDocument, setDocument] = useState<ApiDocument | 'missing'>();
  const [settings, setSettings] = useState<SignInSettings | 'none'>();
  const [awaited, setAwaited] = useState(issuerAnswer);
  const enter = useCallback((given: string | undefined, why?: SignInReason) => {
    storeToken(given);
    setToken(given);
    setReason(why);
  }, []);
  useEffect(() => {
    void loadDocument().then((loaded) => {
      setDocument(loaded ?? 'missing');
    });
    void loadSettings().then((loaded) => {
      setSettings(loaded ?? 'none');
    });
  }, []);
  useEffect(() => {
    if (awaited === undefined || settings === undefined) return;
    void finishSignIn(settings === 'none' ? undefined : settings, awaited).then((outcome) => {
      setAwaited(undefined);
      if (outcome.kind === 'token') enter(outcome.token);
      // Anybody can send a signed-in viewer here with an answer of their own making.
      else if (storedToken() === undefined) enter(undefined, outcome);
    });
  }, [awaited, settings, enter]);
  const session = useMemo((): Session | undefined => {
    if (token === undefined || apiDocument === undefined || apiDocument === 'missing') return undefined;
    const claims = readClaims(token);
    if (!claims) return undefined;
    const api = createApi(token, () => {
      const isExpired = (claims.expiresAt ?? Infinity) <= Date.now();
      enter(undefined, { kind: isExpired ? 'over' : 'not_accepted' });
    });
    return { api, claims, document: apiDocument };
  }, [token, apiDocument, enter]);
  if (awaited !== undefined)
    return (
      <main class="welcome">
        <p role="status">{signIn.underWay}</p>
      </main>
    );
  if (token === undefined && settings === undefined) return null;
  if (token === undefined || apiDocument === 'missing')
    return (
      <SignIn
        settings={settings === 'none' ? undefined : settings}
        reason={apiDocument === 'missing' ? { kind: 'no_document' } : reason}
        onToken={enter}
        languageChoice={<LanguageChoice {...props} />}
      />
    );
  if (!session) return null;
  return (
    <SessionContext.Provider value={session}>
      <Frame
        {...props}
        onSignOut={() => {
          enter(undefined);
        }}
      />
    </SessionContext.Provider>
  );
}

function Frame({ onSignOut, ...language }: LanguageProps & { readonly onSignOut: () => void }) {
  const texts = useTexts();
  const { claims } = useSession();
  const place = usePlace();
  const main = useRef<HTMLElement>(null);
  const [first = ''] = place.path;
  const screen = screens.find(({ name }) => name === first) ?? screens[0];
  const where = place.path.join('/');
  const isFirst = useRef(true);
  // With the new content, not after it: by then somebody may be typing there.
  useLayoutEffect(() => {
    document.title = `${titleOf(place, texts)} · ${texts.title}`;
    // As after a click on a link: the keyboard and the screen reader go on at the new content.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
    // Only where the screen changes, not with its filters.
  }, [where, texts]);
  return (
    <div class="frame">
      <header class="side">
        <a
          class="skip"
          href={location.hash === '' ? '#/' : location.hash}
          onClick={(event) => {
            event.preventDefault();
            main.current?.focus();
          }}
        >
          {texts.skip}
        </a>
        <span class="brand">{texts.title}</span>
        <nav aria-label={texts.menu}>
          {screens
            .filter(({ menu }) => menu !== undefined)
            .map(({ name, menu = 'health' }) => (
              <a
                key={name}
                href={placeUrl(name === '' ? [] : [name])}
                {...(screen?.menu === menu && { 'aria-current': 'page' })}
              >
                {texts.screens[menu]}
              </a>
            ))}
        </nav>
        <div class="foot">
          <LanguageChoice {...language} />
          <a href="docs">{texts.documents}</a>
          <a href="console/licenses.txt">{texts.licences}</a>
        </div>
      </header>
      <div>
        <section class="bar" aria-label={texts.bar}>
          <Find />
          <div class="who">
            <span>{texts.viewer(claims.subject, claims.tenant)}</span>
            <button class="link" type="button" onClick={onSignOut}>
              {texts.signOut}
            </button>
          </div>
        </section>
        <main ref={main} tabIndex={-1}>
          {screen?.show(place)}
        </main>
      </div>
    </div>
  );
}

function LanguageChoice({ language, onLanguage }: LanguageProps) {
  const texts = useTexts();
  return (
    <select
      aria-label={texts.language}
      value={language}
      onChange={(event) => {
        onLanguage(event.currentTarget.value as Language);
      }}
    >
      {Object.entries(languages).map(([code, { name }]) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** From an id to its screen: what a log, a mail or a colleague gives. */
function Find() {
  const { find } = useTexts();
  const { document: apiDocument } = useSession();
  const [isUnknown, setIsUnknown] = useState(false);
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const id = (valuesOf(event.currentTarget)['id'] ?? '').trim();
    const collection = collectionOfId(apiDocument, entityOfMessage(id));
    setIsUnknown(!collection);
    if (collection) go(id.startsWith('msg_') ? ['messages', id] : ['entities', collection.name, id]);
  };
  return (
    <form role="search" onSubmit={submit}>
      <input
        type="search"
        name="id"
        aria-label={find.label}
        placeholder={find.hint}
        aria-invalid={isUnknown}
        required
        autocomplete="off"
      />
      <button type="submit">{find.go}</button>
      {isUnknown && (
        <span role="alert" class="small">
          {find.unknown}
        </span>
      )}
    </form>
  );
}
