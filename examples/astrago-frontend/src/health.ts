export type Health = "up" | "down";

/** Asks a service how it is; a service that does not answer is down. */
export async function healthOf(service: string): Promise<Health> {
  try {
    const answer = await fetch(`/api/${service}/health`);
    return answer.ok ? "up" : "down";
  } catch {
    return "down";
  }
}
