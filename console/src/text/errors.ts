/** What each refusal means to staff. */
import { OFFLINE, type Refusal } from "../api/client";

const SENTENCES: Record<string, string> = {
  [OFFLINE]: "连不上平台，请检查网络后再试。",
  "session.missing": "登录已过期，请重新登录。",
  "permission.missing": "您的角色不能做这件事。需要的话，请安全管理员授予角色。",
  "staff_login.refused": "登录名、密码或验证码不对，或验证码已用过。等验证器换出新的验证码再试。",
  "staff_login.locked": "错了五次，登录已锁定。请稍候，或请安全管理员解锁。",
  "staff_source.too_many": "这个地址试得太多了，请稍后再来。",
  "staff_enrolment.too_many": "这个地址试得太多了，请稍后再来。",
  "enrolment.invalid": "邀请链接不对、已经用过或超过三天。请系统管理员重新邀请。",
  "enrolment.code_wrong": "这不是验证器现在显示的验证码，请等下一个再试。",
  "staff.login_invalid": "登录名要 3 到 32 位，小写字母开头，可以有数字、点、横线和下划线。",
  "staff.name_invalid": "姓名要 1 到 40 个字。",
  "staff.login_taken": "这个登录名已经有人用了。",
  "staff.not_found": "没有这个账号。",
  "staff.own_account": "不能对自己的账号做这件事，请另一位管理员来做。",
  "staff.transition_illegal": "账号的状态已经变了，请刷新后再看。",
  "staff.renewal_not_proposed": "系统管理员还没有提出重新邀请。",
  "role.unknown": "没有这个角色。",
  "role.exclusive": "管理员账号只能有一个角色；要做业务请另开账号。",
  "role.not_proposed": "安全管理员还没有提出这个角色。",
  "role.not_held": "这个账号没有这个角色。",
  "policy.not_found": "没有这项规则。",
  "policy.invalid": "有的值不符合要求，请看标红的地方。",
  "policy.changed": "您打开之后，已经有人改过这项规则。请刷新后再改。",
  "review.not_found": "没有这个申领，或不用审核。",
  "review.decided": "这件事已经有人处理了。",
  "card.not_found": "没有这个申领。",
  "person.not_found": "没有这个人。",
  "person.changed": "您打开之后，已经有人改过这个人的资料。请刷新后再改。",
  "person.search_incomplete": "请填证件号码或手机号，或者姓名加出生日期。",
  "person_review.not_candidate": "请从列出的人里选。",
  "person_review.document_taken": "这个证件已经登记在别人名下，不能登记为新人。",
  "person.busy": "系统正忙，请稍后再试。",
  "person_review.decided": "已经有人处理了。",
  "person_review.not_found": "没有这件待办。",
  "merge.not_found": "没有这个合并。",
  "merge.needs_another": "不能复核自己提出的合并，请另一位同事来做。",
  "merge.same_person": "这是同一份档案，不用合并。",
  "merge.open": "其中一份档案正在合并，或已经合并过。",
  "merge.not_live": "其中一份档案已经并入别的档案。",
  "merge.not_waiting": "这个合并的状态已经变了，请刷新后再看。",
  "admission.not_found": "没有这份申请。",
  "admission.not_in_state": "这份申请的状态已经变了，请刷新后再看。",
  "admission.same_reviewer": "初审的人不能复核，请另一位同事来做。",
  "admission.criteria_open": "还有必须的入网条件没有满足，请先把条件查完。",
  "admission.app_taken": "这个应用编号已经有人用了。",
  "app.not_found": "没有这个应用。",
  "key.not_found": "没有这把密钥。",
  "key.last": "这是最后一把能用的密钥。先让机构换上新的，再作废它；要马上停，请停用整个应用。",
  "key.changed": "密钥刚刚有变动，请刷新后再看。",
  "terminal.taken": "这个终端编号在别的机构名下。",
  "criterion.unknown": "没有这个入网条件。",
  "criterion.needs_date": "限期满足的条件，请写上到哪一天。",
  "institution.not_found": "登记里没有这家机构。",
  "code_mapping.changed": "您打开之后，已经有人改过这份对照。您写的还在，请看过最新的再改。",
  "code_mapping.unknown_target": "有的代码不在我们的代码表里，请看标红的行。",
  "limits.same_reviewer": "您提出的，要另一位审核员同意。",
  "limits.not_proposed": "这个提议已经处理了，请刷新后再看。",
  "limits.changed": "刚刚有人改过权限，请刷新后再看。",
  "dialect.secret_invalid": "密钥要是可见的英文字符：ehc.* 正好 16 个，腾讯式 16 到 64 个。",
  "dialect.codes_alike": "成功码和失败码不能一样。",
  "dialect.hospital_missing": "腾讯式接口要写明医院编号。",
  "dialect.unknown": "没有这种接口。",
  "security_event.not_found": "没有这个安全事件。",
  "security_event.closed": "这个事件已经有人处理完了。",
  "phone.invalid": "手机号要 11 位。",
  "name.invalid": "姓名不像证件上的姓名。",
  "document.invalid_number": "证件号码不对，请核对。",
  "request.invalid": "有的内容格式不对，请检查后再试。",
  "resource.not_found": "找不到了，可能已被处理。",
  "idempotency.in_progress": "上一次操作还在进行，请稍候。",
  "database.unavailable": "系统正忙，请稍后再试。",
  "server.busy": "系统正忙，请稍后再试。",
  "server.stopping": "系统正忙，请再点一次。",
};

const WEAK: Record<string, string> = {
  length: "密码要 12 到 128 位。",
  common: "这个密码太常见，容易被猜到，请换一个。",
  simple: "这个密码太有规律，容易被猜到，请换一个。",
  own_name: "密码里不能有登录名，请换一个。",
};

export function said(refusal: Refusal): string {
  if (refusal.code === "staff.password_weak") return WEAK[String(refusal.detail["reason"])] ?? WEAK["simple"]!;
  const sentence = SENTENCES[refusal.code] ?? `没有办成（${refusal.code}）。请稍后再试，或联系维护人员。`;
  if (refusal.waitS < 60) return sentence;
  return `${sentence}（约 ${Math.ceil(refusal.waitS / 60)} 分钟）`;
}

export function isKnown(code: string): boolean {
  return code in SENTENCES || code === "staff.password_weak";
}
