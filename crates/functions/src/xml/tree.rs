//! An XML document as a tree, in document order.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// A node's place in its document. Nodes that come earlier in the text have smaller places.
pub(super) type Place = usize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Root,
    Element,
    Attribute,
    Text,
    Comment,
    Instruction,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub kind: Kind,
    /// With its prefix; of a text, nothing.
    pub name: String,
    /// Of a text, a comment, an attribute or an instruction.
    pub value: String,
    pub parent: Option<Place>,
    pub children: Vec<Place>,
    pub attributes: Vec<Place>,
}

#[derive(Debug, Clone)]
pub(super) struct Document {
    nodes: Vec<Node>,
}

/// How deep elements may nest.
const DEPTH_MAX: usize = 1000;

impl Document {
    pub const ROOT: Place = 0;

    /// `None` if the text is not well-formed. Entities that a document declares itself are not known.
    pub fn parse(text: &str) -> Option<Self> {
        let mut document = Self { nodes: Vec::new() };
        document.add(Kind::Root, String::new(), String::new(), None);
        let mut open = vec![Self::ROOT];
        let mut reader = Reader::from_str(text.trim_start());
        loop {
            let parent = *open.last()?;
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    let element = document.element(&start, parent)?;
                    open.push(element);
                    if open.len() > DEPTH_MAX {
                        return None;
                    }
                }
                Event::Empty(start) => {
                    document.element(&start, parent)?;
                }
                Event::End(_) => {
                    open.pop();
                }
                Event::Text(text) => document.text(&text.xml10_content().ok()?, parent)?,
                Event::CData(text) => document.text(&text.xml10_content().ok()?, parent)?,
                Event::GeneralRef(reference) => {
                    let letter = reference.resolve_char_ref().ok()?.map(String::from);
                    let name = reference.decode().ok()?;
                    let resolved = letter.or_else(|| resolve_predefined_entity(&name).map(str::to_owned))?;
                    document.text(&resolved, parent)?;
                }
                Event::Comment(comment) => {
                    let text = comment.decode().ok()?.into_owned();
                    document.add(Kind::Comment, String::new(), text, Some(parent));
                }
                Event::PI(instruction) => {
                    let name = String::from_utf8(instruction.target().to_vec()).ok()?;
                    let content = String::from_utf8(instruction.content().to_vec()).ok()?;
                    document.add(Kind::Instruction, name, content.trim_start().to_owned(), Some(parent));
                }
                Event::Decl(_) | Event::DocType(_) => {}
                Event::Eof => break,
            }
        }
        (open.len() == 1 && document.document_element().is_some()).then_some(document)
    }

    fn add(&mut self, kind: Kind, name: String, value: String, parent: Option<Place>) -> Place {
        let place = self.nodes.len();
        if let Some(parent) = parent {
            let parent = &mut self.nodes[parent];
            if kind == Kind::Attribute { &mut parent.attributes } else { &mut parent.children }.push(place);
        }
        self.nodes.push(Node { kind, name, value, parent, children: Vec::new(), attributes: Vec::new() });
        place
    }

    fn element(&mut self, start: &BytesStart<'_>, parent: Place) -> Option<Place> {
        // There is one element beside comments and instructions.
        if parent == Self::ROOT && self.document_element().is_some() {
            return None;
        }
        let name = String::from_utf8(start.name().as_ref().to_vec()).ok()?;
        let element = self.add(Kind::Element, name, String::new(), Some(parent));
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let name = String::from_utf8(attribute.key.as_ref().to_vec()).ok()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
            self.add(Kind::Attribute, name, value, Some(element));
        }
        Some(element)
    }

    /// A text beside another one is part of it.
    fn text(&mut self, text: &str, parent: Place) -> Option<()> {
        if parent == Self::ROOT {
            return text.trim().is_empty().then_some(());
        }
        match self.nodes[parent].children.last().copied() {
            Some(last) if self.nodes[last].kind == Kind::Text => self.nodes[last].value.push_str(text),
            _ if text.is_empty() => {}
            _ => {
                self.add(Kind::Text, String::new(), text.to_owned(), Some(parent));
            }
        }
        Some(())
    }

    pub fn node(&self, place: Place) -> &Node {
        &self.nodes[place]
    }

    pub fn document_element(&self) -> Option<Place> {
        self.elements(Self::ROOT).next()
    }

    pub fn elements(&self, of: Place) -> impl Iterator<Item = Place> + '_ {
        self.nodes[of].children.iter().copied().filter(|child| self.nodes[*child].kind == Kind::Element)
    }

    /// The node's value, or all text below an element.
    pub fn text_of(&self, place: Place) -> String {
        let node = &self.nodes[place];
        match node.kind {
            Kind::Root | Kind::Element => {
                let below =
                    node.children.iter().filter(|child| matches!(self.nodes[**child].kind, Kind::Element | Kind::Text));
                below.map(|child| self.text_of(*child)).collect()
            }
            _ => node.value.clone(),
        }
    }

    /// What is between an element's tags, as XML.
    pub fn inner_xml(&self, place: Place) -> String {
        let mut out = String::new();
        for child in &self.nodes[place].children {
            let node = &self.nodes[*child];
            match node.kind {
                Kind::Text => out.push_str(&node.value),
                Kind::Element => {
                    out.push_str(&format!("<{}", node.name));
                    for attribute in &node.attributes {
                        let attribute = &self.nodes[*attribute];
                        out.push_str(&format!(" {}=\"{}\"", attribute.name, attribute.value));
                    }
                    out.push_str(&format!(">{}</{}>", self.inner_xml(*child), node.name));
                }
                _ => {}
            }
        }
        out
    }
}
