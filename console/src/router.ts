import { createRouter, createWebHashHistory } from "vue-router";
import { MENU } from "./menu";
import Enrolment from "./pages/Enrolment.vue";
import OwnPassword from "./pages/OwnPassword.vue";
import SignIn from "./pages/SignIn.vue";
import Welcome from "./pages/Welcome.vue";
import { session } from "./session";

export const router = createRouter({
  history: createWebHashHistory("/console/"),
  routes: [
    { path: "/sign-in", name: "sign-in", component: SignIn, meta: { open: true } },
    { path: "/enrolment/:token?", name: "enrolment", component: Enrolment, meta: { open: true } },
    { path: "/password", name: "password", component: OwnPassword },
    ...MENU.map(({ path, name, page, permissions }) => ({ path, name, component: page, meta: { permissions } })),
    { path: "/:rest(.*)*", name: "welcome", component: Welcome },
  ],
});

router.beforeEach((to) => (to.meta["open"] || session.token ? true : { name: "sign-in", query: { to: to.fullPath } }));
