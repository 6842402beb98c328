/** Times and ages in the viewer's language. */
import { useContext } from 'preact/hooks';
import { LanguageContext, useTexts } from '../texts/index.ts';
import type { Language } from '../texts/index.ts';

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** How long ago it was, with the exact time for whoever points at it. */
export function Ago({ at }: { readonly at: string }) {
  const language = useContext(LanguageContext);
  const { ago } = useTexts();
  const seconds = (Date.now() - Date.parse(at)) / 1000;
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  const text =
    Math.abs(seconds) < 5
      ? ago.now
      : new Intl.RelativeTimeFormat(language, { numeric: 'always' }).format(
          -Math.round(seconds / size),
          unit,
        );
  return (
    <time dateTime={at} title={exactTime(at, language)}>
      {text}
    </time>
  );
}

export function At({ at }: { readonly at: string }) {
  return <time dateTime={at}>{exactTime(at, useContext(LanguageContext))}</time>;
}

/** Up to when a list that the stream keeps is complete. Nothing is known of that before the stream's first heartbeat. */
export function AsOf({ at }: { readonly at: string }) {
  const language = useContext(LanguageContext);
  const { asOf } = useTexts();
  return <>{Date.parse(at) === 0 ? asOf.unknown : asOf.time(exactTime(at, language))}</>;
}

export const exactTime = (at: string, language: Language): string =>
  new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(at));

/** How long something took: `18 seconds`, `2.5 minutes`. */
export function Took({ from, to }: { readonly from: string; readonly to: string }) {
  const language = useContext(LanguageContext);
  const seconds = Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
  const [unit, size] = seconds < 120 ? (['second', 1] as const) : (['minute', 60] as const);
  const format = new Intl.NumberFormat(language, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumFractionDigits: 1,
  });
  return <>{format.format(seconds / size)}</>;
}

/** `5 minutes` */
export function ageText(at: string, language: Language): string {
  const seconds = Math.max(0, (Date.now() - Date.parse(at)) / 1000);
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? ['second', 1];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(
    Math.floor(seconds / size),
  );
}
