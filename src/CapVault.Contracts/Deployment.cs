using System.Text.Json;
using System.Text.Json.Serialization;
using Nethereum.Util;

namespace CapVault.Contracts;

/// <summary>Where the contracts of one chain are: the file `deployments/&lt;chainId&gt;.json` that the deployment script writes.</summary>
public sealed record Deployment
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    };

    public required ulong ChainId { get; init; }

    public required string EntryPoint { get; init; }

    public required string Vault { get; init; }

    public required string AccountFactory { get; init; }

    public required string AccountImplementation { get; init; }

    public required string Paymaster { get; init; }

    public required string Usdc { get; init; }

    /// <summary>The sandbox's second token, with a lower minimum fee; null elsewhere.</summary>
    public string? Eurc { get; init; }

    public required string Treasury { get; init; }

    public required string Owner { get; init; }

    /// <summary>Nothing of the vault happened before this block.</summary>
    public required ulong DeployBlock { get; init; }

    /// <exception cref="InvalidDataException">The file is missing or not a deployment.</exception>
    public static Deployment Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception e) when (e is JsonException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path}: {e.Message} Deploy with the forge script to write it.", e);
        }
    }

    private static Deployment Parse(string json)
    {
        var deployment = JsonSerializer.Deserialize<Deployment>(json, Options) ?? throw new FormatException("Found null, expected a deployment.");
        RequireAddress("entryPoint", deployment.EntryPoint);
        RequireAddress("vault", deployment.Vault);
        RequireAddress("accountFactory", deployment.AccountFactory);
        RequireAddress("accountImplementation", deployment.AccountImplementation);
        RequireAddress("paymaster", deployment.Paymaster);
        RequireAddress("usdc", deployment.Usdc);
        if (deployment.Eurc is { } eurc)
        {
            RequireAddress("eurc", eurc);
        }

        RequireAddress("treasury", deployment.Treasury);
        RequireAddress("owner", deployment.Owner);
        return deployment;
    }

    private static void RequireAddress(string field, string value)
    {
        if (!AddressUtil.Current.IsValidEthereumAddressHexFormat(value))
        {
            throw new FormatException($"{field}: found '{value}', expected 0x and 40 hexadecimal digits.");
        }
    }
}
