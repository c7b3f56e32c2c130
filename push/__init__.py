"""Telling residents.

kinds.py       the table of what is told: to whom, through which channels
templates.py   the words, in Chinese
messages/      telling somebody, and the in-app inbox
preferences/   quiet hours, and what somebody does not want
credits/       how many subscription messages a platform still takes for somebody
channels/      WeChat, Alipay, SMS
deliveries/    bringing messages through the channels; why one was not sent
reminders/     what is due when, and the rules that say so
"""
