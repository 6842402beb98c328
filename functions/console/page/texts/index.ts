/** The language that the console speaks: the viewer's choice, or the browser's. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { en } from './en.ts';
import { ko } from './ko.ts';

export const languages = { en: { name: 'English', texts: en }, ko: { name: '한국어', texts: ko } } as const;
export type Language = keyof typeof languages;

const storedAs = 'language';

const isLanguage = (value: string | null): value is Language => value !== null && value in languages;

export function preferredLanguage(): Language {
  const stored = localStorage.getItem(storedAs);
  if (isLanguage(stored)) return stored;
  return navigator.languages[0]?.startsWith('ko') === true ? 'ko' : 'en';
}

export function preferLanguage(language: Language): void {
  localStorage.setItem(storedAs, language);
}

export const LanguageContext = createContext<Language>('en');

export const useTexts = () => languages[useContext(LanguageContext)].texts;
