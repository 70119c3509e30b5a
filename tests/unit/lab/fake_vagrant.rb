# Evaluates vagrant/Vagrantfile without Vagrant: remembers what it asks for and prints that as JSON.
# usage: ruby fake_vagrant.rb VAGRANTFILE PROVIDER
require "json"

# Answers every setting and remembers it; `define`, `provider` and `provision` are the ones with a meaning of their own.
class Recorder
  attr_reader :seen

  def initialize(provider)
    @provider = provider
    @seen = { "machines" => {}, "provision" => [] }
  end

  def vm = self

  def define(name, **_options)
    machine = Recorder.new(@provider)
    yield machine
    @seen["machines"][name] = machine.seen
  end

  def provider(name)
    return unless name == @provider

    settings = Recorder.new(@provider)
    yield settings, self
    @seen["provider"] = settings.seen
  end

  def provision(name, **options) = @seen["provision"] << { "name" => name, **options }

  def method_missing(name, *arguments, **options)
    @seen[name.to_s.delete_suffix("=")] = options.empty? ? arguments : [*arguments, options]
  end

  def respond_to_missing?(*) = true
end

module Vagrant
  def self.configure(_version)
    config = Recorder.new(ARGV[1])
    yield config
    puts JSON.generate(config.seen)
  end
end

load ARGV[0]
