import pytest
from tests.web import meeting_room as room
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_smoke(store, tmp_path):
    f = room.room(store, tmp_path)
    no = room.drafted(f)
    h = f.get("lead", f"/cases/{no}/packet"); open('/tmp/x/packet1.html','w').write(h)
    room.submit(f, no)
    h = f.get("office", f"/cases/{no}/packet"); open('/tmp/x/packet2.html','w').write(h)
    m = room.called(f)
    h = f.get("office", "/meetings")
    h = f.get("office", f"/meetings/{m}/agenda"); open('/tmp/x/agenda1.html','w').write(h)
    r = room.listed(f, m, no); assert r.status_code == 303, r.text
    h = f.get("office", f"/meetings/{m}/agenda"); open('/tmp/x/agenda2.html','w').write(h)
    assert room.press(f, f"/meetings/{m}/lock").status_code == 303
    h = f.get("office", f"/meetings/{m}/record"); open('/tmp/x/record1.html','w').write(h)
    room.on(f, 2024, 5, 20)
    r = room.begun(f, m, no); assert r.status_code == 303, r.text
    r = room.says(f, m, no, "member|沈若谷", "disagree", "资金没有落实"); assert r.status_code == 303, r.text
    r = room.says(f, m, no, "chief|江亦川", "agree", "原则同意"); assert r.status_code == 303, r.text
    h = f.get("chief", f"/meetings/{m}/record?no={no}"); open('/tmp/x/record2.html','w').write(h)
    r = room.press(f, f"/meetings/{m}/record/{no}/decide", "chief", outcome="decide_approve", decision="通过", why="已安排资金"); open('/tmp/x/decide.html','w').write(r.text)
    print(r.status_code)
    assert room.replays(f)
