/** What applying for an institution means: it is new, or there already, perhaps under another name. */
export interface App {
  app_id: string;
  institution: string;
  status: string;
}
export type Standing = "fresh" | "known" | "differs";

/** `apps`: the other apps that are registered for the institution's id. */
export function standing(name: string, apps: App[]): Standing {
  if (!apps.length) return "fresh";
  return apps.every((app) => app.institution.trim() === name.trim()) ? "known" : "differs";
}
