namespace Nethereum.ABI.Model;

/// <summary>A parameter, result or component: its ABI type, name and place.</summary>
public class Parameter
{
    public Parameter(string type, string name = null, int order = 1)
    {
        Type = type;
        Name = name;
        Order = order;
    }

    /// <summary>As the attribute writes it; a struct is `tuple`.</summary>
    public string Type { get; }

    public string Name { get; set; }

    /// <summary>Place, from 1.</summary>
    public int Order { get; }

    /// <summary>Whether an event carries it as a topic.</summary>
    public bool Indexed { get; set; }

    /// <summary>The struct's name for EIP-712.</summary>
    public string StructTypeName { get; set; }
}
