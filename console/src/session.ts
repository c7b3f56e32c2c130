/** Who is signed in.  The token lives in this tab alone and dies with it; the server ends it besides. */
import { reactive } from "vue";

export interface Self {
  staff_id: string;
  login_name: string;
  display_name: string;
  roles: string[];
  permissions: string[];
}

const KEPT = "staff-session";

interface Session {
  token: string | null;
  self: Self | null;
  ended: "" | "expired" | "signed_out";
  begin(token: string, self: Self): void;
  end(why: "expired" | "signed_out"): void;
  may(permission: string): boolean;
}

function kept(): { token: string; self: Self } | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  } catch {
    return null;
  }
}

const before = kept();

export const session: Session = reactive({
  token: before?.token ?? null,
  self: before?.self ?? null,
  ended: "" as const,
  begin(this: Session, token: string, self: Self) {
    this.token = token;
    this.self = self;
    this.ended = "";
    sessionStorage.setItem(KEPT, JSON.stringify({ token, self }));
  },
  end(this: Session, why: "expired" | "signed_out") {
    if (this.token) this.ended = why;
    this.token = null;
    this.self = null;
    sessionStorage.removeItem(KEPT);
  },
  may(this: Session, permission: string) {
    return this.self?.permissions.includes(permission) ?? false;
  },
});
