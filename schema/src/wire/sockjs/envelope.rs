//! What the HTTP transports put around a frame.

/// How long the prelude of streaming is: browsers showed nothing of a shorter beginning.
const PRELUDE: usize = 2048;

/// What a response that carries frames looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// One frame, then the response ends.
    Xhr,
    /// Frames, each on a line.
    XhrStreaming,
    /// Frames as server-sent events.
    EventSource,
}

impl Envelope {
    /// The `Content-Type` of the response.
    pub fn content_type(self) -> &'static str {
        match self {
            Envelope::Xhr | Envelope::XhrStreaming => "application/javascript;charset=UTF-8",
            Envelope::EventSource => "text/event-stream;charset=UTF-8",
        }
    }

    /// Whether several frames may stand in one response.
    pub fn streams(self) -> bool {
        self != Envelope::Xhr
    }

    /// What comes before the first frame.
    pub fn prelude(self) -> String {
        match self {
            Envelope::Xhr => String::new(),
            Envelope::XhrStreaming => {
                let mut prelude = "h".repeat(PRELUDE);
                prelude.push('\n');
                prelude
            }
            Envelope::EventSource => "\r\n".to_owned(),
        }
    }

    /// Appends one frame. A frame holds no line break, so none is mistaken for the envelope's.
    pub fn wrap(self, frame: &str, out: &mut String) {
        match self {
            Envelope::Xhr | Envelope::XhrStreaming => {
                out.push_str(frame);
                out.push('\n');
            }
            Envelope::EventSource => {
                out.push_str("data: ");
                out.push_str(frame);
                out.push_str("\r\n\r\n");
            }
        }
    }
}
