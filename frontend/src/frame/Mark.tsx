/** The house's mark: a query among its neighbours, the nearest of them found. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden>
      <circle cx="12" cy="12" r="10.5" fill="none" stroke="currentColor" strokeOpacity="0.35" strokeWidth="1.2" />
      <circle cx="12" cy="12" r="5.5" fill="none" stroke="currentColor" strokeOpacity="0.65" strokeWidth="1.2" />
      <circle cx="12" cy="12" r="2.3" fill="var(--mantine-color-anchor)" />
      <circle cx="16.6" cy="9" r="1.7" fill="currentColor" />
      <circle cx="3.6" cy="16.6" r="1.5" fill="currentColor" fillOpacity="0.55" />
    </svg>
  );
}
