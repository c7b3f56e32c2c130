"""The ways out: WeChat, Alipay, SMS."""
