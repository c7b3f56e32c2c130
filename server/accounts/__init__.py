"""An account is one login of a resident: by phone, by WeChat, by Alipay (A3).  Cards are tied to it."""
