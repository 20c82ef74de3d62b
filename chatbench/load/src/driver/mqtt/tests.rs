use super::*;
use crate::driver::bench::{self, Bench};
use plan::Protocol;

fn bench(settings: MqttBroker) -> Bench {
    Bench::of(&bench::plan(Protocol::Mqtt(settings)))
}

#[test]
fn connecting_ends_with_a_subscription_to_ones_own_topic() {
    let mut bench = bench(MqttBroker {
        username: Some("u{user}".into()),
        password: Some("{secret}".into()),
        ..MqttBroker::default()
    });
    let expected = b"\x10\x2c\0\x04MQTT\x04\xc2\0\x3c\0\x0ab00000abc0\0\x02u0\0\x08{secret}";
    let hello = bench.open().concat();
    // The length of the body is what it says.
    assert_eq!(usize::from(hello[1]), hello.len() - 2);
    assert_eq!(hello[2..], expected[2..]);
    let (words, events) = bench.take(&[CONNACK, 2, 0, 0]);
    assert!(events.is_empty());
    assert_eq!(words.concat(), b"\x82\x15\xff\xff\0\x10bench/00000abc/0\x01");
    assert_eq!(bench.take(&[SUBACK, 3, 0xff, 0xff, 1]).1, ["Ready"]);
    assert_eq!(bench.take(&[SUBACK, 3, 0xff, 0xff, 0x80]).1, [r#"Failed("subscription refused")"#]);
    let refused = bench.take(&[CONNACK, 2, 0, 4]).1;
    assert_eq!(refused, [r#"Failed("connection refused: bad username or password")"#]);
}

#[test]
fn a_publish_goes_to_the_peer_and_is_acknowledged_when_received() {
    let mut bench = bench(MqttBroker::default());
    let outgoing = bench::outgoing(65_540);
    let sent = bench.send(&outgoing).concat();
    assert_eq!(bench.driver.cut(&sent), Ok(Some(sent.len())));
    assert!(sent[3..].starts_with(b"\0\x10bench/00000abc/1\0\x07cb1 "), "{sent:?}");
    // The broker forwards it as it is, under an identifier of its own: the same here.
    let (answer, events) = bench.take(&sent);
    assert_eq!(answer.concat(), [PUBACK, 2, 0, 7]);
    let expected = Event::Received { found: Ok(outgoing.payload), sequence: None };
    assert_eq!(events, [format!("{expected:?}")]);
    assert_eq!(bench.take(&[PUBACK, 2, 0, 7]).1, ["Acknowledged(65540)"]);
    assert_eq!(bench.take(&[PUBACK, 2, 0, 8]).1, ["Acknowledged(7)"], "of the round before");
    assert!(bench.take(PINGRESP_WHOLE).1.is_empty());
}

const PINGRESP_WHOLE: &[u8] = &[PINGRESP, 0];

#[test]
fn what_comes_at_most_once_is_not_acknowledged() {
    let mut bench = bench(MqttBroker::default());
    let mut content = Vec::new();
    bench::outgoing(1).payload.write(64, &mut content);
    let mut body = b"\0\x01a".to_vec();
    body.extend_from_slice(&content);
    let (answer, events) = bench.take(&packet(PUBLISH, &body));
    assert!(answer.concat().is_empty());
    assert!(events[0].contains("Ok("), "{events:?}");
    assert_eq!(bench.take(&[PUBLISH, 2, 0, 9]).1, [r#"Failed("a PUBLISH that is cut")"#]);
}

#[test]
fn packets_are_cut_where_they_end() {
    let bench = bench(MqttBroker::default());
    for length in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
        let whole = packet(PUBLISH, &vec![7; length]);
        let mut bytes = whole.clone();
        bytes.extend_from_slice(b"next");
        assert_eq!(bench.driver.cut(&bytes), Ok(Some(whole.len())), "{length}");
        for end in [0, 1, 2, whole.len() - 1] {
            if end < whole.len() {
                assert_eq!(bench.driver.cut(&whole[..end]), Ok(None), "{end} of {length}");
            }
        }
    }
    assert!(bench.driver.cut(&[PUBLISH, 0xff, 0xff, 0xff, 0x7f]).is_err());
    assert!(bench.driver.cut(&[PUBLISH, 0x80, 0x80, 0x80, 0x80, 0]).is_err());
}

#[test]
fn an_identifier_tells_the_sequence() {
    for latest in [0, 1, 65_533, 65_534, 200_000, u32::MAX] {
        for behind in [0, 1, 65_533] {
            if let Some(sent) = latest.checked_sub(behind) {
                let id = (sent % IDS) as u16 + 1;
                assert_eq!(sequence(id, latest), Some(sent), "{sent} with latest {latest}");
            }
        }
    }
    assert_eq!(sequence(2, 0), None, "was never sent");
    assert_eq!(sequence(0, 9), None);
    assert_eq!(sequence(SUBSCRIPTION, 9), None);
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let refused = |settings: MqttBroker| Mqtt::of(1, &settings).unwrap_err();
    let other = MqttBroker::default;
    assert!(refused(MqttBroker { publish: "all".into(), ..other() }).starts_with("mqtt.publish"));
    assert!(refused(MqttBroker { publish: "{peer}/#".into(), ..other() }).starts_with("mqtt.publish"));
    assert!(refused(MqttBroker { subscribe: "{me}".into(), ..other() }).starts_with("mqtt.subscribe"));
    assert!(refused(MqttBroker { password: Some("x".into()), ..other() }).starts_with("mqtt.password"));
}
