/** Short words in the corner after something was done, or refused. */
import { notifications } from "@mantine/notifications";

const CLOSE = { closeButtonProps: { "aria-label": "Close" } };

export function tellDone(message: string): void {
  notifications.show({ ...CLOSE, color: "teal", message, autoClose: 4000 });
}

export function tellRefusal(error: Error): void {
  notifications.show({ ...CLOSE, color: "red", title: "Refused", message: error.message, autoClose: 10_000 });
}
