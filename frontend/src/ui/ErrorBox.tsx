/** A refusal in the server's words, which name the remedy. */
import { Alert, Button, List, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";

import { Refusal } from "@/api/client";

interface ErrorBoxProps {
  error: Error;
  title?: string;
  onRetry?: () => void;
}

export function ErrorBox({ error, title = "That did not work", onRetry }: ErrorBoxProps) {
  const fields = error instanceof Refusal ? Object.entries(error.fields).filter(([field, message]) => field || message !== error.message) : [];
  return (
    <Alert role="alert" color="red" variant="outline" title={title} icon={<IconAlertTriangle size={18} aria-hidden />}>
      <Stack gap="xs" align="flex-start">
        <Text fz="sm">{error.message}</Text>
        {fields.length > 0 && (
          <List fz="sm">
            {fields.map(([field, message]) => (
              <List.Item key={field}>
                {/* What is wrong with the whole has no field. */}
                {field && <b>{field}: </b>}
                {message}
              </List.Item>
            ))}
          </List>
        )}
        {onRetry && (
          <Button size="compact-sm" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
