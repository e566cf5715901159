/** Lets in who is logged in, and shows the door to everyone else. */
import { Center, Loader } from "@mantine/core";
import { RouterProvider } from "@tanstack/react-router";

import { useLogIn, useSession } from "@/api/session";
import { LoginPage } from "@/features/login/LoginPage";
import { ErrorBox } from "@/ui/ErrorBox";

import { router } from "./routes";

export function Gate() {
  const session = useSession();
  const logIn = useLogIn();
  if (session.data) return <RouterProvider router={router} />;
  if (session.data === null) {
    const problem = new URLSearchParams(window.location.search).get("problem");
    return <LoginPage problem={problem} isBusy={logIn.isPending} error={logIn.error} onLogIn={(key) => logIn.mutate(key)} />;
  }
  return (
    <Center h="100%" p="xl">
      {session.error ? (
        <ErrorBox error={session.error} title="The server cannot be reached" onRetry={() => void session.refetch()} />
      ) : (
        <Loader size="sm" aria-label="Loading" />
      )}
    </Center>
  );
}
