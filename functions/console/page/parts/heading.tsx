/** What a screen is called, and what it is for. */
export const Heading = ({ heading, intro }: { readonly heading: string; readonly intro: string }) => (
  <div>
    <h1>{heading}</h1>
    <p class="quiet">{intro}</p>
  </div>
);
