/** A page whose subject is not there, with the server's reason. */
import { ErrorBox } from "./ErrorBox";
import { PageHeader } from "./PageHeader";

export function NothingToShow({ title, error }: { title: string; error: Error }) {
  return (
    <>
      <PageHeader title={title} />
      <ErrorBox error={error} title="The server says" />
    </>
  );
}
