using System.CommandLine;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary>What a service asks for and delivers.</summary>
internal sealed class SchemaOptions
{
    private readonly Option<string?> _requirements = new("--requirements") { Description = "What the Requester must say; the default is text.", HelpName = "text|schema|none" };

    private readonly Option<FileInfo?> _requirementsSchema = new("--requirements-schema") { Description = "JSON Schema of it.", HelpName = "file" };

    private readonly Option<string?> _type = new("--type") { Description = "What is delivered; the default is text.", HelpName = "text|schema" };

    private readonly Option<FileInfo?> _deliverableSchema = new("--deliverable-schema") { Description = "JSON Schema of it.", HelpName = "file" };

    public SchemaOptions()
    {
        _requirements.AcceptOnlyFromAmong(Sdk.RequirementType.Text.Value, Sdk.RequirementType.Schema.Value, Sdk.RequirementType.None.Value);
        _type.AcceptOnlyFromAmong(Sdk.DeliverableType.Text.Value, Sdk.DeliverableType.Schema.Value);
    }

    public IEnumerable<Option> All => [_requirements, _requirementsSchema, _type, _deliverableSchema];

    public RequirementType? RequirementType(Session session) => session.Value(_requirements) is { } word ? Sdk.RequirementType.Parse(word) : null;

    public JsonElement? RequirementsSchema(Session session) => Read(session, _requirementsSchema);

    public DeliverableType? DeliverableType(Session session) => session.Value(_type) is { } word ? Sdk.DeliverableType.Parse(word) : null;

    public JsonElement? DeliverableSchema(Session session) => Read(session, _deliverableSchema);

    private static JsonElement? Read(Session session, Option<FileInfo?> option)
    {
        if (session.Value(option) is not { } file)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file.FullName));
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new CliException($"{option.Name}: {file.FullName} is not JSON: {e.Message}", "", ExitCode.Usage);
        }
    }
}

internal static class OptionsExtensions
{
    public static Command With(this Command command, IEnumerable<Option> options)
    {
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        return command;
    }
}
