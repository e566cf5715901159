/** Whether an element is on screen now, and whether it ever was. */
import { useCallback, useEffect, useRef, useState } from "react";

export function useOnScreen<T extends Element>(margin = "120px") {
  const [isOnScreen, setOnScreen] = useState(false);
  const [wasOnScreen, setWasOnScreen] = useState(false);
  const observer = useRef<IntersectionObserver | null>(null);
  const ref = useCallback(
    (element: T | null) => {
      observer.current?.disconnect();
      if (!element) return;
      observer.current = new IntersectionObserver(
        ([entry]) => {
          setOnScreen(entry?.isIntersecting ?? false);
          if (entry?.isIntersecting) setWasOnScreen(true);
        },
        { rootMargin: margin },
      );
      observer.current.observe(element);
    },
    [margin],
  );
  useEffect(() => () => observer.current?.disconnect(), []);
  return { ref, isOnScreen, wasOnScreen };
}
