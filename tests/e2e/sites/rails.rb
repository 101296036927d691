# A small Rails app around the code of docs/clients/rails.md, which the test puts into lib/photogate.rb, controllers.rb and
# config/routes.rb beside this file. Printed when it serves: "ready".
require "rails"
require "action_controller/railtie"
require "active_job/railtie"
require "active_storage/engine"
require "rack/handler/webrick"
require_relative "lib/photogate"

PHOTOGATE = Photogate.new(ENV.fetch("GATEWAY"), ENV.fetch("KEY"), ENV.fetch("SECRET"))

class Shop < Rails::Application
  config.root = __dir__
  config.load_defaults 6.1
  config.eager_load = false
  config.consider_all_requests_local = true
  config.logger = Logger.new($stderr, level: :warn)
  config.active_job.queue_adapter = :async
end
Shop.initialize!

class ApplicationController < ActionController::Base
  User = Struct.new(:id)
  def current_user = User.new(7)
end

class PagesController < ApplicationController
  def index
    render inline: <<~PAGE
      <!doctype html><html lang="en"><head><title>A shop</title><%= csrf_meta_tags %></head>
      <body><form action="/pictures" method="post"><input type="hidden" name="authenticity_token" value="<%= form_authenticity_token %>">
      <input id="files" type="file" name="picture" data-direct-upload-url="<%= rails_direct_uploads_path %>"><button>Send</button></form></body></html>
    PAGE
  end

  # What a form submits once its file is sent.
  def create
    render plain: params.require(:picture)
  end
end

class PictureJob < ActiveJob::Base
  def perform(type, data)
    File.open(ENV.fetch("SAVED"), "a") { |file| file.puts(JSON.generate([type, data["id"], data["metadata"]])) }
  end
end

require_relative "controllers"

Rack::Handler::WEBrick.run(Shop, Host: "127.0.0.1", Port: Integer(ENV.fetch("PORT")), AccessLog: [], Logger: WEBrick::Log.new($stderr, WEBrick::Log::WARN))
