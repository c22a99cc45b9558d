"""Open viewers are looked at again: whoever is signed out, or may no longer see it, is told so on every transport."""

from tests.servers import Stack
from tests.viewers import TRANSPORTS, Live
from tests.webs import told, webs

PEOPLE = """
from orders.services import create_order, tracking_link
def staff(name):
    user = User.objects.create_user(name, password='x', is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename='view_logstream'))
    return sign_in(user)
def link(id):
    create_order({'status': 'Placed'}, 'test', id)
    return 'track/' + tracking_link(id).token
names = ('p-stays', 'p-signs-out', 'p-inactive', 'p-no-staff', 'p-password', 'p-no-logs')
links = {id: link(id) for id in ('ORD-P-STAYS', 'ORD-P-REVOKED', 'ORD-P-EXPIRED')}
print(json.dumps({name: staff(name) for name in names} | links))
"""
LOSE = """
from orders.models import TrackingLink
Store({out!r}).delete()
User.objects.filter(username='p-inactive').update(is_active=False)
User.objects.filter(username='p-no-staff').update(is_staff=False)
user = User.objects.get(username='p-password'); user.set_password('y'); user.save()
User.objects.get(username='p-no-logs').user_permissions.clear()
TrackingLink.objects.filter(order_id='ORD-P-REVOKED').update(revoked_at=timezone.now())
TrackingLink.objects.filter(order_id='ORD-P-EXPIRED').update(expires_at=timezone.now())
print(json.dumps(None))
"""
CASES = {
    "p-stays": ("orders", 0),
    "p-signs-out": ("orders", 4401),
    "p-inactive": ("orders", 4401),
    "p-no-staff": ("orders", 4403),
    "p-password": ("logs", 4401),
    "p-no-logs": ("logs", 4403),
    "ORD-P-STAYS": ("", 0),
    "ORD-P-REVOKED": ("", 4404),
    "ORD-P-EXPIRED": ("", 4404),
}


async def test_whoever_may_no_longer_see_a_view_is_closed_with_the_code_that_says_why(stack: Stack):
    held = told(stack, PEOPLE)
    with webs(stack, PERMISSIONS_CHECK_S="1") as (web,):
        pages = {
            (name, transport): Live(web.base_url, view or held[name], transport, held[name] if view else "")
            for name, (view, _) in CASES.items()
            for transport in TRANSPORTS
        }
        for page in pages.values():
            page.connect()
        for page in pages.values():
            await page.until(lambda p: p.kept.cursor)
        told(stack, LOSE.format(out=held["p-signs-out"]))
        for (name, transport), page in pages.items():
            code = CASES[name][1]
            if code:
                await page.until(lambda p: p.refused)
                assert page.refused.code == (code - 4000 if transport == "poll" else code), (name, transport)
                assert page.refused.reason
        for (name, transport), page in pages.items():
            if not CASES[name][1]:
                assert not page.ended, (name, transport)
            await page.cut()
        log = web.process.log.read_text()
        assert not any(secret in log for secret in (*held.values(), *(h.removeprefix("track/") for h in held.values())))
