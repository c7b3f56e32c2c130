/** The table: page → the permission it needs.  The server asks for it again; here it decides what is shown. */
import type { Entry } from "./access";
import Admission from "./pages/Admission.vue";
import Admissions from "./pages/Admissions.vue";
import AuditLog from "./pages/AuditLog.vue";
import ClaimReview from "./pages/ClaimReview.vue";
import ClaimReviews from "./pages/ClaimReviews.vue";
import CodeMapping from "./pages/CodeMapping.vue";
import CodeMappings from "./pages/CodeMappings.vue";
import Merges from "./pages/Merges.vue";
import Partner from "./pages/Partner.vue";
import Partners from "./pages/Partners.vue";
import PersonReviews from "./pages/PersonReviews.vue";
import Persons from "./pages/Persons.vue";
import Policies from "./pages/Policies.vue";
import PolicyPage from "./pages/PolicyPage.vue";
import SecurityEvents from "./pages/SecurityEvents.vue";
import StaffAccounts from "./pages/StaffAccounts.vue";
import UsageUploads from "./pages/UsageUploads.vue";

export const MENU: Entry[] = [
  { name: "reviews", path: "/reviews", page: ClaimReviews, permissions: ["claims.review"], inMenu: true },
  { name: "review", path: "/reviews/:cardId", page: ClaimReview, permissions: ["claims.review"], inMenu: false },
  { name: "persons", path: "/persons", page: Persons, permissions: ["persons.read"], inMenu: true },
  { name: "person-reviews", path: "/person-reviews", page: PersonReviews, permissions: ["persons.read"], inMenu: true },
  { name: "merges", path: "/merges", page: Merges, permissions: ["persons.read"], inMenu: true },
  { name: "admissions", path: "/admissions", page: Admissions, permissions: ["partners.read"], inMenu: true },
  { name: "admission", path: "/admissions/:admissionId", page: Admission, permissions: ["partners.read"], inMenu: false },
  { name: "partners", path: "/partners", page: Partners, permissions: ["partners.read"], inMenu: true },
  { name: "partner", path: "/partners/:appId", page: Partner, permissions: ["partners.read"], inMenu: false },
  { name: "code-mappings", path: "/code-mappings", page: CodeMappings, permissions: ["partners.read"], inMenu: true },
  { name: "code-mapping", path: "/code-mappings/:institutionId", page: CodeMapping, permissions: ["partners.read"], inMenu: false },
  { name: "usage-uploads", path: "/usage-uploads", page: UsageUploads, permissions: ["partners.read"], inMenu: true },
  { name: "security", path: "/security-events", page: SecurityEvents, permissions: ["security.events"], inMenu: true },
  { name: "staff", path: "/staff", page: StaffAccounts, permissions: ["staff.read"], inMenu: true },
  { name: "policies", path: "/policies", page: Policies, permissions: ["policies.write"], inMenu: true },
  { name: "policy", path: "/policies/:name", page: PolicyPage, permissions: ["policies.write"], inMenu: false },
  { name: "audit", path: "/audit", page: AuditLog, permissions: ["audit.read"], inMenu: true },
];
