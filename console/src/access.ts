/** Which page is open to whom. */
import type { Component } from "vue";

export interface Entry {
  name: string;
  path: string;
  page: Component;
  /** Any of these opens the page. */
  permissions: string[];
  inMenu: boolean;
}

export function isOpenTo(entry: Entry, may: (permission: string) => boolean): boolean {
  return entry.permissions.some(may);
}
