//! The fields of the form.

use crate::domain::channel::Channel;

/// What *when* says before anybody has said anything.
pub(super) const NOW: &str = "now";

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Email, SMS or push.
    Type,
    /// Topics, users and targets.
    Audience,
    /// Targets in Cc.
    Cc,
    /// Targets in Bcc.
    Bcc,
    /// Subject or title.
    Subject,
    /// Files that are attached.
    Files,
    /// The text.
    Body,
    /// Custom data, a JSON object.
    Data,
    /// Click action.
    Click,
    /// The image that is shown.
    Image,
    /// Icon.
    Icon,
    /// Sound.
    Sound,
    /// Colour.
    Color,
    /// Tag.
    Tag,
    /// Badge count.
    Badge,
    /// Priority: normal or high.
    Priority,
    /// Wakes the application without showing anything.
    Silent,
    /// Sounds even when the device is silent.
    Critical,
    /// When it is to go.
    When,
}

/// The fields of a notification that few need.
const ADVANCED: [Part; 11] = [
    Part::Data,
    Part::Click,
    Part::Image,
    Part::Icon,
    Part::Sound,
    Part::Color,
    Part::Tag,
    Part::Badge,
    Part::Priority,
    Part::Silent,
    Part::Critical,
];

impl Part {
    /// Those of one line.
    pub(super) const LINES: [Self; 12] = [
        Self::Subject,
        Self::Data,
        Self::Click,
        Self::Icon,
        Self::Sound,
        Self::Color,
        Self::Tag,
        Self::Badge,
        Self::Priority,
        Self::Silent,
        Self::Critical,
        Self::When,
    ];

    /// The fields of a type, in order; with those that few need, if asked for.
    pub(super) fn of(channel: Channel, unfolded: bool) -> Vec<Self> {
        let mut parts = vec![Self::Type, Self::Audience];
        match channel {
            Channel::Email => {
                if unfolded {
                    parts.extend([Self::Cc, Self::Bcc]);
                }
                parts.push(Self::Subject);
                if unfolded {
                    parts.push(Self::Files);
                }
                parts.push(Self::Body);
            }
            Channel::Sms => parts.push(Self::Body),
            Channel::Push => {
                parts.extend([Self::Subject, Self::Body]);
                if unfolded {
                    parts.extend(ADVANCED);
                }
            }
        }
        parts.push(Self::When);
        parts
    }

    /// Whether it is one that few need.
    pub fn is_folded(self) -> bool {
        matches!(self, Self::Cc | Self::Bcc | Self::Files) || ADVANCED.contains(&self)
    }

    /// Whether it is a list of people.
    pub fn is_people(self) -> bool {
        matches!(self, Self::Audience | Self::Cc | Self::Bcc)
    }

    /// Whether it is a list of files.
    pub fn is_files(self) -> bool {
        matches!(self, Self::Files | Self::Image)
    }

    /// Its label, for a type.
    pub fn label(self, channel: Channel) -> &'static str {
        match self {
            Self::Type => "Type",
            Self::Audience => "Audience",
            Self::Cc => "Cc",
            Self::Bcc => "Bcc",
            Self::Subject if channel == Channel::Push => "Title",
            Self::Subject => "Subject",
            Self::Files => "Files",
            Self::Body => "Body",
            Self::Data => "Data",
            Self::Click => "Action",
            Self::Image => "Image",
            Self::Icon => "Icon",
            Self::Sound => "Sound",
            Self::Color => "Colour",
            Self::Tag => "Tag",
            Self::Badge => "Badge",
            Self::Priority => "Priority",
            Self::Silent => "Silent",
            Self::Critical => "Critical",
            Self::When => "When",
        }
    }

    /// What goes into it.
    pub fn help(self) -> &'static str {
        match self {
            Self::Data => "a JSON object for the application",
            Self::Click => "what a tap opens",
            Self::Icon | Self::Sound => "a resource of the application",
            Self::Color => "of the icon, as #rrggbb",
            Self::Tag => "a newer one replaces an older one",
            Self::Badge => "a number; -1 leaves it alone",
            Self::Priority => "high or normal; high if empty",
            Self::Silent => "yes: wakes the application, shows nothing",
            Self::Critical => "yes: sounds on a silent device",
            _ => "",
        }
    }

    /// The extension of the file in which it is edited.
    pub(super) fn extension(self) -> &'static str {
        if self == Self::Data { "json" } else { "txt" }
    }
}
