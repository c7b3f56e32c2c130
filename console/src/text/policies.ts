/** Policies, their fields and their values in words.  What has none yet is shown by its own name. */
import { CHANNELS, ID_TYPES, RELATIONS, SOURCES } from ".";

const NAMES: Record<string, [string, string]> = {
  claims: ["申领", "谁能替谁申领、要哪些证明、哪些先由人审核"],
  real_name: ["实名核验", "按渠道、关系和证件类型，凭哪些来源算核实"],
  identity_tries: ["核验次数", "一天里最多错几次，按人、账户、设备和网络地址分别计"],
  code_display: ["二维码", "动态码多久一换，是否允许静态码"],
  static_codes: ["静态码", "静态码在哪些环节可用，哪里要密码"],
  active_scan: ["主动扫码", "终端等居民确认多久，哪些环节要再验证"],
  card_retention: ["注销卡留存", "注销后资料保留多久再脱敏"],
  matching: ["身份比对", "多像算同一个人，多像要人工判断"],
};

const FIELDS: Record<string, string> = {
  review_channels: "要人工审核的渠道", review_documents: "要人工审核的证件", attachments_for: "要上传材料的证件",
  attachments_kept_days: "材料保留天数", family_limit: "家庭成员上限", guardian_years: "不满几岁要监护人申领",
  own_card_years: "满几岁可接回自己的卡", adult_years: "成年年龄", proofs_of_minor: "未成年家人：可用的关系证明",
  proofs_of_adult: "成年家人：可用的关系证明", takes_over_with: "接回他人名下的卡要核实的来源",
  rules: "规则（从上往下，第一条符合的算）", channels: "渠道", relations: "关系", id_types: "证件类型", accepts: "认可的组合（任一组齐全即可）",
  account: "每个账户一天", device: "每台设备一天", address: "每个网络地址一天", person: "每个人一天",
  refresh_seconds: "动态码有效秒数", static_allowed: "允许静态码", scenes: "可用静态码的环节", pin_scenes: "要密码的环节",
  pin_institutions: "一律要密码的机构", life_s: "等待居民确认的秒数", factor_scenes: "要再验证的环节", cancelled_days: "注销后保留天数",
  same_from_bits: "从多少分起算同一个人", review_from_bits: "从多少分起要人工判断", population: "登记人口数", lead_bits: "要领先第二名多少分",
};

const VALUES: Record<string, string> = {
  ...CHANNELS, ...RELATIONS, ...ID_TYPES, ...SOURCES,
  authority: "公安实名", phone: "手机短信", reading: "设备读证", face_to_face: "当面核验", birth_certificate: "出生医学证明",
  household_register: "户口簿", consent_sms: "本人短信同意", consent_card: "本人出示动态码", guardianship: "监护证明（人工审核）",
};

export const policyName = (name: string): string => NAMES[name]?.[0] ?? name;
export const policySentence = (name: string): string | undefined => NAMES[name]?.[1];
export const labelOf = (field: string): string => FIELDS[field] ?? field;
export const valueOf = (value: unknown): string => VALUES[String(value)] ?? String(value);
